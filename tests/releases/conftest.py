"""An app, a path with nothing on it but uv, and workers in this process."""

import os
import subprocess
import sys
from io import BytesIO, TextIOWrapper
from unittest import mock

import pytest

from adk_flow.releases import worker
from tests.doubles.command import run_here, write_app
from tests.releases.faked import DESK, fake_uv


@pytest.fixture
def path(tmp_path, monkeypatch):
    """A path on which there is nothing but a uv that installs nothing."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    fake_uv(folder, "exit 0")
    return folder


@pytest.fixture
def desk(tmp_path):
    write_app(tmp_path / "desk", DESK)
    return tmp_path / "desk"


@pytest.fixture
def workers_here(monkeypatch, tmp_path):
    """Runs the workers in this process, which has imported ADK already."""

    def run(command, *, input=b"", env=None, **options):
        if "adk_flow.releases.worker" not in command:
            return run_program(command, env=env, **options)
        with monkeypatch.context() as patch, mock.patch.dict(os.environ, env):
            patch.setattr(sys, "stdin", TextIOWrapper(BytesIO(input)))
            done = run_here(worker.do_job, command[:1], tmp_path)
        return subprocess.CompletedProcess(command, done.returncode, b"", done.stderr.encode())

    run_program = subprocess.run
    monkeypatch.setattr(subprocess, "run", run)
