"""A conversation run under one ADK release after another, each in a process of its own."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import msgspec
from msgspec.structs import replace
from packaging.version import Version

from adk_flow._text import plural
from adk_flow.analysis.metrics import TurnMetrics, measure, summed
from adk_flow.analysis.trace_reader import read_trace
from adk_flow.errors import OWN_FAULT
from adk_flow.log.reader import LogError
from adk_flow.log.schema import Record
from adk_flow.releases.environments import needs_of, ready
from adk_flow.releases.hook_trace import HookCall, read_hook_calls
from adk_flow.releases.worker import Job, Outcome
from adk_flow.scenario.conversation import Conversation

_LACKS = re.compile(r"ModuleNotFoundError: No module named '(?!google\.adk\.)")
"""How the worker ends where a package is missing; a part of ADK may be missing in its release."""


class ReleaseRun(NamedTuple):
    """How a conversation went under one release."""

    release: str
    outcome: Outcome
    calls: list[HookCall]
    """Nothing if `outcome.error` says why."""
    figures: TurnMetrics = TurnMetrics(turn=0)
    """Of all turns."""


def run_releases(
    app: Path,
    conversation: Conversation,
    releases: Sequence[str],
    folder: Path,
    decisions: Path | None,
    tell: Callable[[str], None],
    packages: Sequence[str] = (),
    place: str = "",
) -> list[ReleaseRun]:
    """Holds a conversation with an app under each release.

    Without a file of decisions the model is the offline one. `tell` is given what takes time,
    `packages` is what the app needs besides ADK and its `requirements.txt`, and `place` where the
    conversation is written.

    Raises:
      AdkFlowError: there is no environment with one of the releases, and none can be made.
    """
    needs = needs_of(app, packages)
    pythons = {release: ready(release, folder, tell, needs) for release in releases}
    with tempfile.TemporaryDirectory(prefix="adk-flow-versions-") as scratch:
        library = copy_package(Path(scratch))
        ran = []
        for release, python in pythons.items():
            tell(f"ADK {release}: holding the conversation")
            job = Job(
                app=str(app),
                conversation=conversation,
                log=str(Path(scratch) / f"{release}.jsonl"),
                outcome=str(Path(scratch) / f"{release}.json"),
                decisions=str(decisions or ""),
                place=place,
            )
            ran.append(_ran(release, python, job, library))
    return ran


def copy_package(place: Path) -> Path:
    """Copies adk-flow alone: the folder that it is installed in has an ADK of its own beside it."""
    library, package = place / "library", Path(__file__).parents[1]
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(package, library / "adk_flow", ignore=ignored)
    metadata = library / f"adk_flow-{version('adk-flow')}.dist-info" / "METADATA"
    metadata.parent.mkdir()
    metadata.write_text(f"Metadata-Version: 2.1\nName: adk-flow\nVersion: {version('adk-flow')}\n")
    return library


def _ran(release: str, python: Path, job: Job, library: Path) -> ReleaseRun:
    try:
        done = subprocess.run(
            [str(python), "-m", "adk_flow.releases.worker"],
            # Not msgspec's own JSON, which refuses a path that is no text.
            input=json.dumps(msgspec.to_builtins(job)).encode(),
            env=_environment(library),
            capture_output=True,
        )
        outcome = _outcome(job, done, python)
    except OSError as error:
        outcome = Outcome(error=_damaged(python, error.strerror or str(error)))
    if not outcome.error and Version(outcome.adk) != Version(release):
        words = f"ADK {outcome.adk} was imported in its place; is it in PYTHONPATH?"
        outcome = Outcome(error=words)
    if outcome.error:
        return ReleaseRun(release, outcome, [])
    try:
        trace = read_trace(job.log)
    except LogError:
        return ReleaseRun(release, replace(outcome, error="nothing was recorded"), [])
    if fault := _own_fault(outcome, trace.log.records):
        return ReleaseRun(release, replace(outcome, error=fault), [])
    calls = read_hook_calls(trace.log.records)
    total = summed(measure(trace), lacks_lines=bool(trace.log.holes))
    return ReleaseRun(release, outcome, calls, total)


def _own_fault(outcome: Outcome, records: Iterable[Record]) -> str:
    """Says what of adk-flow failed under a release; what follows from it is not ADK's doing."""
    reasons = [reason.removeprefix("failed: ") for turn in outcome.failed for reason in turn]
    reasons += [record.error for record in records]
    fault = next((reason for reason in reasons if reason.startswith(OWN_FAULT)), "")
    missing = f"{OWN_FAULT}: {plural(outcome.faults, 'hook')} could not be recorded"
    return fault or (missing if outcome.faults else "")


def _environment(library: Path) -> dict[str, str]:
    paths = [str(library), os.environ.get("PYTHONPATH", "")]
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONHOME"}
    return kept | {
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        # The order of a set of strings, in which ADK joins branches, would differ by chance.
        "PYTHONHASHSEED": "0",
        "PYTHONWARNINGS": "ignore",
        "PYTHONIOENCODING": "utf-8",
        "ADK_FLOW_NARRATE": "0",
    }


def _outcome(job: Job, done: subprocess.CompletedProcess[bytes], python: Path) -> Outcome:
    try:
        return msgspec.json.decode(Path(job.outcome).read_bytes(), type=Outcome)
    except (OSError, msgspec.DecodeError):
        lines = done.stderr.decode(errors="replace").strip().splitlines()
        reason = lines[-1] if lines else f"its process ended with {done.returncode}"
        return Outcome(error=_damaged(python, reason) if _LACKS.match(reason) else reason)


def _damaged(python: Path, reason: str) -> str:
    """Says how to get an environment that works; as it is, it would be used again each time."""
    return f"its environment is damaged ({reason}): delete {python.parents[1]}"
