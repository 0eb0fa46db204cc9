"""The documentation's pictures: small, and made anew by one command."""

import sys

import pytest

from tests.doubles.browser import needs_chromium
from tests.doubles.command import run_program
from tests.doubles.desk import ROOT

KEPT = sorted((ROOT / "docs" / "images").glob("*.png"))


def test_pictures_are_small():
    assert 4 <= len(KEPT) <= 6
    assert all(file.stat().st_size < 150_000 for file in KEPT)


@needs_chromium[0]
@needs_chromium[1]
@pytest.mark.environments
def test_the_command_makes_them_all(tmp_path):
    done = run_program(sys.executable, "docs/screenshots.py", tmp_path, folder=ROOT)

    assert done.returncode == 0, done.stderr
    for file in KEPT:
        header = (tmp_path / file.name).read_bytes()[16:24]
        assert header == file.read_bytes()[16:24]  # width and height, by the format of PNG
