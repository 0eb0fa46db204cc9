"""Files and folders that hold what people said: for their owner, unless a file mode says more."""

from __future__ import annotations

import logging
import os
import shlex
import stat
import sys
from pathlib import Path

from adk_flow.errors import AdkFlowError
from adk_flow.log.reader import is_flow_log

PRIVATE = 0o600
"""Mode of a file that its owner alone reads and writes."""

_OTHERS = 0o077
_CLOSE_ON_EXEC = getattr(os, "O_CLOEXEC", 0)
_logger = logging.getLogger(__name__)
_warned: set[Path] = set()


def make_private_folder(folder: Path, file_mode: int = PRIVATE) -> None:
    """Makes a folder, and those that it is in, that only those enter who may read its files.

    One that is there stays as it is; that others may read it is logged, once a process.

    Raises:
      OSError: it cannot be made.
    """
    if folder.is_dir():
        is_wider = stat.S_IMODE(folder.stat().st_mode) & _OTHERS & ~_entering(file_mode)
        if is_wider and os.name == "posix" and folder not in _warned:
            _warned.add(folder)
            words = "others may list %s, where what people said is written; keep them out with: "
            _logger.warning(f"{words}chmod go-rwx %s", folder, shlex.quote(str(folder)))
        return
    if folder.parent != folder and not folder.parent.exists():
        make_private_folder(folder.parent, file_mode)
    folder.mkdir(mode=_entering(file_mode), exist_ok=True)


def write_private(path: Path) -> int:
    """Opens a file to be written anew, in folders that are made, which its owner alone may read.

    `/dev/stdout` goes on where standard output is, also where that is a file.

    Raises:
      OSError: it cannot be opened.
    """
    if is_standard_output(path):
        sys.stdout.flush()
        return os.dup(1)
    if not path.parent.exists():
        make_private_folder(path.parent)
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | _CLOSE_ON_EXEC, PRIVATE)
    if stat.S_ISREG(os.fstat(file).st_mode) and os.name == "posix":
        os.fchmod(file, PRIVATE)
    return file


def write_private_text(path: Path, text: str) -> None:
    """Writes a file anew, which its owner alone may read.

    Raises:
      AdkFlowError: it cannot be written, or is a flow log, of which there is no other copy.
    """
    if path.is_file() and is_flow_log(path):
        raise AdkFlowError("is a flow log; name another file", argument="file", value=path)
    try:
        with os.fdopen(write_private(path), "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        reason = f"cannot be written: {error.strerror or error}"
        raise AdkFlowError(reason, argument="file", value=path) from error


def is_standard_output(path: Path) -> bool:
    """Tells whether a path is what the process writes its standard output to."""
    try:
        return os.path.samestat(path.stat(), os.fstat(1))
    except OSError:
        return False


def is_device(path: Path) -> bool:
    """Tells whether a path is neither a file nor a folder, as `/dev/stdout` is."""
    return path.exists() and not (path.is_file() or path.is_dir())


def open_log_file(path: Path, file_mode: int) -> int:
    """Opens a log for appending; a link is followed only to what is no file, as `/dev/stdout`.

    Raises:
      OSError: it cannot be opened.
    """
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | _CLOSE_ON_EXEC
    if is_device(path):
        return os.open(path, flags, file_mode)
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0), file_mode)


def _entering(file_mode: int) -> int:
    """Gives the mode of a folder: who may read its files may enter it."""
    return 0o700 | file_mode | (file_mode & 0o044) >> 2
