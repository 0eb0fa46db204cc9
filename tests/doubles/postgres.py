"""A Postgres cluster of a test's own, run by a user that is not root, on a Unix socket."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_DEBIAN = Path("/usr/lib/postgresql")


def programs() -> Path | None:
    """Finds the folder of Postgres' programs, the newest of Debian's; None if there are none."""
    versions = sorted(_DEBIAN.glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    path = versions[-1] if versions else shutil.which("initdb")
    return Path(path).resolve().parent if path else None


@contextmanager
def postgres() -> Iterator[str]:
    """Runs a new cluster and gives the address of its database, as ADK takes it."""
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))
    if os.geteuid() == 0:  # as whom Postgres does not run; its package makes this user
        shutil.chown(folder, "postgres", "postgres")
    data, log = folder / "data", folder / "log"
    options = f"-c listen_addresses= -c unix_socket_directories={folder} -c fsync=off"
    try:
        _run("initdb", "-D", data, "-U", "desk", "-A", "trust", "-E", "UTF8")
        _run("pg_ctl", "-D", data, "-l", log, "-o", options, "-w", "start")
        try:
            yield f"postgresql+asyncpg://desk@/postgres?host={folder}"
        finally:
            _run("pg_ctl", "-D", data, "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(folder)


def _run(program: str, *words: object) -> None:
    user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    command = [*user, str((programs() or Path()) / program), *map(str, words)]
    # The server that pg_ctl starts would keep a pipe open.
    with tempfile.TemporaryFile("w+") as said:
        done = subprocess.run(command, stdout=said, stderr=said, cwd="/")
        said.seek(0)
        assert done.returncode == 0, said.read()
