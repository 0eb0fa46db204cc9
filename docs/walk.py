"""The way of a path through `adk-flow compare` to its report: `python docs/walk.py` (`make walk`).

Runs a small comparison offline and takes the call stack wherever a function of adk_flow first gives
the thing in another form: the app, its run, what its log holds, its metrics, the comparison, the
page. A *stop* is a function of adk_flow on one of these stacks, counted once: what somebody enters
who follows the thing. A *climb* is a call from one stop to the next into an earlier layer
(tests/test_layers.py). Prints also who reads the records of the log for the run's metrics.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import sys
import tempfile
import warnings
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from types import FrameType
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "src" / "adk_flow"
sys.path.insert(0, str(ROOT))

from adk_flow import Log, read_log  # noqa: E402 - after the path that finds tests
from tests.test_layers import LAYERS  # noqa: E402 - likewise

FORMS = ("App", "ConversationRun", "Trace", "RunMetrics", "Comparison", "page")
COMMAND = ["compare", "root_agent", "--constructs", "transfer", "--question", "What is an ISA?"]


class Walk:
    """The stacks on which the thing takes its next form."""

    def __init__(self) -> None:
        self.stacks: dict[str, list[str]] = {}
        self._creators: dict[Any, list[str]] = {}
        """The stack that made a task, as the task's own does not show it."""

    def watch(self, frame: FrameType, event: str, value: Any) -> None:
        """Notes the stack of a function that gives a new form; a profile function of Python's."""
        if event == "return" and stop_of(frame):
            for form in forms_of(value):
                if form not in self.stacks:
                    self.stacks[form] = self.stack(frame)

    def stack(self, frame: FrameType | None) -> list[str]:
        """Gives the functions of adk_flow that are entered, the first first."""
        stops = []
        while frame is not None:
            if stop := stop_of(frame):
                stops.append(stop)
            frame = frame.f_back
        with contextlib.suppress(RuntimeError):
            creators = self._creators.get(asyncio.current_task(), [])
            stops += [stop for stop in reversed(creators) if stop not in stops]
        return stops[::-1]

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """Watches whatever is called meanwhile."""
        create = asyncio.TaskGroup.create_task

        def create_task(group: asyncio.TaskGroup, *args: Any, **named: Any) -> Any:
            task = create(group, *args, **named)
            self._creators[task] = self.stack(sys._getframe(1))
            return task

        setattr(asyncio.TaskGroup, "create_task", create_task)  # noqa: B010 - pyright allows no assignment to a method
        sys.setprofile(self.watch)
        try:
            yield
        finally:
            sys.setprofile(None)
            asyncio.TaskGroup.create_task = create


def stop_of(frame: FrameType) -> str:
    """Names module and function of a frame, if it is one of adk_flow's; else nothing."""
    file = Path(frame.f_code.co_filename)
    if not file.is_relative_to(PACKAGE) or file.suffix != ".py":
        return ""
    return ".".join([*file.relative_to(PACKAGE).with_suffix("").parts, frame.f_code.co_qualname])


def is_climb(caller: str, called: str) -> bool:
    """Whether a call goes into an earlier layer."""
    return LAYERS.index(called.partition(".")[0]) < LAYERS.index(caller.partition(".")[0])


def forms_of(value: Any) -> list[str]:
    """Names the form that a value is, or that a tuple holds."""
    parts = value if isinstance(value, tuple) else ()
    names = [type(one).__name__ for one in (value, *parts)]
    is_page = isinstance(value, str) and value[:15].lower() == "<!doctype html>"
    return [*(name for name in names if name in FORMS), *(["page"] if is_page else [])]


class Records(list[Any]):
    """The records of a log, which note who reads them."""

    readers: set[str]

    def __iter__(self) -> Iterator[Any]:
        frame = sys._getframe(1)
        if stop := stop_of(frame) or (frame.f_back and stop_of(frame.f_back)):
            self.readers.add(stop)
        return super().__iter__()


def compare(folder: str, watching: contextlib.AbstractContextManager[None]) -> None:
    """Runs the command without a word."""
    from adk_flow.cli import make_command

    silence = io.StringIO()
    with contextlib.redirect_stdout(silence), contextlib.redirect_stderr(silence), watching:
        make_command()([*COMMAND, "--out", folder], standalone_mode=False)


def readers_of(log: Log) -> set[str]:
    """Gives the functions that read a log's records for the run's metrics."""
    from adk_flow.analysis.run_metrics import measure_run
    from adk_flow.analysis.trace_reader import trace_log

    records = Records(log.records)
    records.readers = set()
    trace = trace_log(log._replace(records=records))
    measure_run(trace, construct="transfer", conversation="question")
    return records.readers


def main() -> None:
    """Prints the stops, the climbs and the readers."""
    os.chdir(ROOT)
    os.environ["MODEL_NAME"] = "offline"
    warnings.simplefilter("ignore")
    taken = Walk()
    with tempfile.TemporaryDirectory() as folder:
        compare(folder, taken.watching())
        log = read_log(next(Path(folder).rglob("*.jsonl")))
    stacks = [taken.stacks[form] for form in FORMS]
    stops = dict.fromkeys(stop for stack in stacks for stop in stack)
    calls = dict.fromkeys(call for stack in stacks for call in pairwise(stack))
    climbs = [call for call in calls if is_climb(*call)]
    for number, stop in enumerate(stops, start=1):
        print(f"{number:3}. {stop}")
    print(f"{len(stops)} stops, {len(climbs)} climbs:")
    for caller, called in climbs:
        print(f"     {caller} -> {called}")
    print("read the records for a run's metrics:")
    for reader in sorted(readers_of(log)):
        print(f"     {reader}")


if __name__ == "__main__":
    main()
