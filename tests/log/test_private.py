"""What holds people's words is for its owner alone, and no link leads it astray."""

import logging
import os
import stat
import subprocess
import sys
from typing import get_args

import pytest

from adk_flow.comparison.store import Folder
from adk_flow.export.files import TableFormat, write_tables
from adk_flow.log.private import make_private_folder
from adk_flow.log.schema import SCHEMA, Header
from adk_flow.log.writer import LogWriter

HEADER = Header(flow_log=SCHEMA, adk="2.13.0", adk_flow="0", app="app", session="s", time=1)

pytestmark = pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")


@pytest.fixture(autouse=True)
def usual_umask():
    before = os.umask(0o022)
    yield
    os.umask(before)


def modes(folder):
    return {path.name: stat.S_IMODE(path.stat().st_mode) for path in [folder, *folder.rglob("*")]}


def write_log(path, **options):
    writer = LogWriter(path, **options)
    writer.begin_part(HEADER)
    writer.close()


@pytest.mark.parametrize("form", get_args(TableFormat))
def test_logs_reports_and_tables_are_their_owners(form, tmp_path):
    write_log(tmp_path / "logs" / "app" / "s.jsonl")
    Folder(tmp_path / "reports").write("report.html", "<p>")
    write_tables([], tmp_path / "tables", form)

    for name in ("logs", "reports", "tables"):
        found = modes(tmp_path / name)
        folders = {name, "app"}
        assert found == {one: 0o700 if one in folders else 0o600 for one in found}


def test_a_file_mode_lets_a_group_in(tmp_path):
    write_log(tmp_path / "logs" / "s.jsonl", file_mode=0o640)

    assert modes(tmp_path / "logs") == {"logs": 0o750, "s.jsonl": 0o640}


def test_a_folder_that_others_may_list_is_told_once_and_left(tmp_path, caplog):
    with caplog.at_level(logging.WARNING):
        make_private_folder(tmp_path / "own")
        tmp_path.chmod(0o755)
        for _ in range(2):
            make_private_folder(tmp_path)

    assert [str(tmp_path) in message for message in caplog.messages] == [True]
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755


def test_a_link_at_a_logs_path_is_not_followed(tmp_path):
    target = tmp_path / "theirs"
    target.write_text("theirs")
    (tmp_path / "s.jsonl").symlink_to(target)

    with pytest.raises(OSError):
        write_log(tmp_path / "s.jsonl")

    assert target.read_text() == "theirs"


def run(code, **options):
    before = (
        "from pathlib import Path\nfrom adk_flow.log.private import write_private_text\n"
        "from tests.log.test_private import write_log\nout = Path('/dev/stdout')\n"
    )
    return subprocess.run([sys.executable, "-c", before + code], text=True, **options)


def test_a_log_may_go_to_standard_output():
    done = run("write_log(out)", stdout=subprocess.PIPE)

    assert done.stdout.startswith('{"flow_log":')


def test_a_page_takes_its_place_in_standard_output_that_is_a_file(tmp_path):
    with (tmp_path / "all").open("w") as all_of_it:
        run("print('before'); write_private_text(out, 'page\\n'); print('after')", stdout=all_of_it)

    assert (tmp_path / "all").read_text() == "before\npage\nafter\n"
