"""Shares of an experiment that are made apart, as in a CI matrix, and brought together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import msgspec
from msgspec.structs import replace

from adk_flow._text import join_names, plural
from adk_flow.analysis.run_metrics import RunMetrics, measure_run
from adk_flow.analysis.trace_reader import trace_log
from adk_flow.comparison.aggregate import Comparison, compare_runs
from adk_flow.comparison.experiment import Experiment
from adk_flow.comparison.recommend import choose_constructs
from adk_flow.comparison.store import LINES, STATE, DrawPage, Folder, Trial, TrialStore, page_name
from adk_flow.errors import AdkFlowError

FILE = "shard.json"
_NAMED = 8
"""Shards, at most, that a message names."""

_Wiring = Iterable[tuple[str, list[str]]]


class Shard(msgspec.Struct, frozen=True):
    """A share of the trials."""

    number: int = 1
    of: int = 1
    experiment: Experiment | None = None
    """Whose trials they are, as it is kept."""
    digests: dict[str, str] = {}
    """Of its conversations."""
    wiring: dict[str, list[str]] = {}
    """How to wire each construct, by lines."""

    def __str__(self) -> str:
        return f"shard {self.number} of {self.of}"

    def share(self, trials: Sequence[Trial]) -> list[Trial]:
        """Gives every `of`th trial."""
        return list(trials[self.number - 1 :: self.of])

    def keep(
        self,
        experiment: Experiment,
        store: TrialStore,
        wiring: Callable[[], _Wiring],
        *,
        is_whole: bool,
    ) -> None:
        """Notes in the folder what it is a share of, without what sessions hold at first.

        Of a comparison that is whole, and was not asked for as a share, nothing is noted.

        Raises:
          AdkFlowError: the folder holds another share, or what is none.
        """
        is_shard = (store.folder / FILE).exists()
        if is_whole and not is_shard:
            return
        if not is_shard and (store.folder / LINES).exists():
            raise _refusal(store.folder, "holds a comparison that is no shard")
        talks = experiment.conversations.items()
        kept = {name: replace(talk, state={}) for name, talk in talks}
        experiment = replace(experiment, app="", conversations=kept)
        shard = replace(self, experiment=experiment, digests=store.digests, wiring=dict(wiring()))
        if is_shard and (other := _read(store.folder)) != shard:
            whose = " of another experiment" if str(other) == str(self) else ""
            raise _refusal(store.folder, f"holds {other}{whose}")
        store.write(FILE, msgspec.json.encode(shard).decode())


def read_shard(words: str) -> Shard:
    """Reads which share is meant, such as `1/3`; all of it where nothing is said.

    Raises:
      AdkFlowError: it is none.
    """
    if not words:
        return Shard()
    number, _, of = words.partition("/")
    if not (number.isdecimal() and of.isdecimal() and 1 <= int(number) <= int(of)):
        raise AdkFlowError(
            "expected a shard such as 1/3, the first of three", argument="shard", value=words
        )
    return Shard(int(number), int(of))


class _Input(TrialStore):
    """A share that was made, which is only read."""

    argument, advice = "", "make this shard again"

    def _write(self) -> None:
        """Refuses a folder whose state is not there."""
        raise self._refusal(f"lacks {STATE}; {self.advice}")


def merge_shards(folders: Sequence[Path], out: Path, page: DrawPage | None = None) -> Comparison:
    """Brings all shares of an experiment together in a new folder, and compares.

    Raises:
      AdkFlowError: they are not all the shares of one experiment, each given once; or the new
        folder is one of them, or holds something else.
    """
    by_number = _sorted_shards(folders)
    if (out / FILE).exists():
        raise _refusal(out, "is a shard itself")
    Folder(out).check_free()
    shard = _read(by_number[1])
    assert shard.experiment
    experiment, runs, missing = shard.experiment, dict[Trial, RunMetrics](), 0
    shards = {n: _Input(folder, experiment.identity) for n, folder in by_number.items()}
    store = TrialStore(out, experiment.identity)
    store.expect_digests(shard.digests)
    with store.alone():
        for number, other in shards.items():
            for trial in replace(shard, number=number).share(experiment.all_trials):
                if (packed := other.pack(trial)) is None:
                    missing += 1
                    continue
                store.unpack(packed)
                trace = trace_log(store.read(trial))
                runs[trial] = measure_run(trace, **experiment.view_of(packed.result))
                if page and (name := page_name(trial)):
                    store.write(name, page(trace, runs[trial]))
    stopped = f"the shards lack {plural(missing, 'run')}" if missing else ""
    comparison = compare_runs(*experiment.outcome(runs, stopped=stopped))
    return add_wiring(comparison, lambda names: shard.wiring.items())


def _sorted_shards(folders: Sequence[Path]) -> dict[int, Path]:
    """Sorts the folders of all shares of an experiment by number."""
    shards = [(folder, _read(folder)) for folder in folders]
    first, shard = shards[0]
    by_number: dict[int, Path] = {}
    for folder, other in shards:
        if reason := _difference(shard, other):
            raise AdkFlowError(f"{folder}: {reason} than in {first}; these are no shards of one")
        if other.number in by_number:
            raise AdkFlowError(f"{folder}: holds {other}, as {by_number[other.number]} does")
        by_number[other.number] = folder
    if lacking := [str(n) for n in range(1, shard.of + 1) if n not in by_number]:
        names = lacking if len(lacking) < _NAMED else [*lacking[: _NAMED - 2], "others"]
        what = f"shards {join_names(names)}" if lacking[1:] else f"shard {lacking[0]}"
        raise AdkFlowError(
            f"{what} of {shard.of} {'are' if lacking[1:] else 'is'} missing; name every shard"
        )
    return dict(sorted(by_number.items()))


def _refusal(folder: Path, reason: str) -> AdkFlowError:
    return AdkFlowError(f"{reason}; name a new folder", argument="folder", value=folder)


def add_wiring(comparison: Comparison, wiring: Callable[[Iterable[str]], _Wiring]) -> Comparison:
    """Adds how to wire the constructs that are recommended."""
    names = [figures.construct for figures in choose_constructs(comparison)]
    lines = dict(wiring(dict.fromkeys(names)))
    known = {name: lines[name] for name in names if name in lines}
    comparison.setting = replace(comparison.setting, wiring=known)
    return comparison


def _read(folder: Path) -> Shard:
    path = folder / FILE
    try:
        return msgspec.json.decode(path.read_bytes(), type=Shard)
    except (FileNotFoundError, NotADirectoryError):
        is_there = "is no folder" if folder.exists() else "does not exist"
        reason = "holds no shard of a comparison" if folder.is_dir() else is_there
        raise AdkFlowError(f"{folder}: {reason}") from None
    except OSError as error:
        raise AdkFlowError(f"{path}: cannot be read: {error.strerror or error}") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise AdkFlowError(f"{path}: is no shard's: {error}") from error


def _difference(one: Shard, other: Shard) -> str:
    """Names the first thing in which two shards are not of one experiment; empty if they are."""
    if one.of != other.of:
        return f"the number of shards is another ({other.of})"
    if one.digests != other.digests:
        return "the conversations are others"
    a, b = one.experiment, other.experiment
    assert a and b
    for what, value in a.identity.items():
        if b.identity.get(what) != value:
            return f"the {what} is another ({b.identity.get(what)})"
    fields = a.__struct_fields__
    differing = next((name for name in fields if getattr(a, name) != getattr(b, name)), "")
    return f"what is compared (its {differing}) is another" if differing else ""
