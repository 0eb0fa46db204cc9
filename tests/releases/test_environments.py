"""The environments that releases of ADK run in: made once, by uv, or refused in a line."""

import sys

import pytest

from adk_flow.errors import AdkFlowError
from adk_flow.releases.environments import (
    default_folder,
    needs_of,
    python_of,
    ready,
)
from tests.releases.faked import both, fake_uv


def test_without_uv_one_line_says_how_to_get_it(desk, path, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "executable", str(path / "python"))
    (path / "uv").unlink()

    result = both(desk, tmp_path / "kept")

    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr == (
        "adk-flow: an environment with google-adk 1.39.1 is made by uv, which is not installed: "
        "pip install uv, or see https://docs.astral.sh/uv\n"
    )
    assert not (tmp_path / "kept").exists()


def test_without_a_network_one_line_says_so_and_nothing_is_left(desk, path, tmp_path):
    fault = "Using Python 3.11\\nerror: Failed to fetch: simple\\n  cause: dns error\\n"
    fake_uv(path, f"printf '{fault}' >&2; exit 2")

    result = both(desk, tmp_path / "kept")

    assert result.exit_code == 2
    assert result.stderr.splitlines()[1:] == [
        "adk-flow: ADK 1.39.1: uv could not make its environment: Failed to fetch: simple; "
        "dns error; is there a network?"
    ]
    assert list((tmp_path / "kept").iterdir()) == []


def test_a_release_that_does_not_exist_is_told_as_uv_tells_it(path, tmp_path):
    fake_uv(path, 'echo "error: there is no version of google-adk==9.9.9" >&2; exit 1')

    with pytest.raises(AdkFlowError, match=r"9\.9\.9: uv could .*: there is no version of google"):
        ready("9.9.9", tmp_path / "kept", lambda told: None)
    assert list((tmp_path / "kept").iterdir()) == []


def test_an_environment_is_made_once_and_used_again(path, tmp_path):
    told = []

    first = ready("2.13.0", tmp_path / "kept", told.append)
    again = ready("2.13.0", tmp_path / "kept", told.append)

    assert first == again
    assert python_of(first.parents[1]) == first
    assert len(told) == 1
    assert (path / "calls").read_text().splitlines() == ["venv --python", "pip install"]
    assert [one.name[:10] for one in (tmp_path / "kept").iterdir()] == ["google-adk"]


def test_an_environment_holds_what_the_app_asks_for_and_the_adk_of_its_release(path, tmp_path):
    (tmp_path / "requirements.txt").write_text("google-adk[db]>=99\nhumanize\n")
    keep = f'for last; do :; done; /bin/cp "$last" {tmp_path}/pin'
    fake_uv(path, f'shift 4; echo "$@" > {tmp_path}/words; {keep}')
    plain = ready("2.13.0", tmp_path / "kept", lambda told: None)

    python = ready("2.13.0", tmp_path / "kept", lambda told: None, needs_of(tmp_path, ["duckdb<2"]))

    assert python != plain
    *_, pin = words = (tmp_path / "words").read_text().split()
    file = str(tmp_path / "requirements.txt")
    options = ["--requirement", file, "--requirement", pin, "--override", pin]
    assert words[-7:] == ["duckdb<2", *options]
    assert (tmp_path / "pin").read_text() == "google-adk[db]==2.13.0"


def test_an_environment_whose_python_is_gone_is_made_anew(path, tmp_path):
    python = ready("2.13.0", tmp_path / "kept", lambda told: None)
    python.unlink()

    assert ready("2.13.0", tmp_path / "kept", lambda told: None).exists()


def test_environments_lie_in_the_platforms_cache(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    assert default_folder() == tmp_path / "adk-flow" / "environments"
