"""Flow logs broken at random, to see that no command crashes on one.

python -m tests.doubles.mutations --number 10000 [--seed 1]
"""

import argparse
import asyncio
import json
import random
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

from google.adk.apps import App
from typer.main import get_command

from adk_flow.cli import make_command
from adk_flow.models.scripted import Scripted
from adk_flow.run.conversation_run import run_conversation
from tests.doubles.collector import collecting
from tests.doubles.teams import twice, wired

RULES = """
control: |
  start user to Lead
  ...
llm_calls: 3
cost: 0.5
isolated: [[Lead, Loans]]
never_speaks: [Loans]
no_ping_pong: true
no_findings: [dead_end, leak]
each_turn: {answered_by: Lead, tokens: 100}
turns: [{holder: Lead}]
"""

Line = dict[str, Any]

_COMMAND = get_command(make_command())

_NUMBERS = (-1, 0, 1, 2, 3, 7, 2**40)
_NAMES = ("Lead", "Loans", "Nobody", "user", "", "\x1b[31m\u202e\n::error::x", "x" * 5000)
_HOOKS = (
    *("user_message", "before_run", "before_agent", "after_agent", "agent_error"),
    *("before_model", "after_model", "model_error", "before_tool", "after_tool", "tool_error"),
    *("event", "after_run", "run_error", "a_hook_of_next_year", ""),
)
_WHYS = ("user", "transfer", "agent_tool", "single_turn", "task", "node", "resume", "", "whim")
_VALUES: dict[str, tuple[Any, ...]] = {
    **dict.fromkeys(("n", "run", "activation", "parent", "time", "size"), _NUMBERS),
    **dict.fromkeys(("agent", "parent_name", "transfer", "holder"), _NAMES),
    **dict.fromkeys(("text", "error", "tool"), _NAMES),
    **dict.fromkeys(("final", "partial"), (True, False)),
    "hook": _HOOKS,
    "cause": _WHYS,
    "call": ("", "1", "2"),
    "kind": ("function", *_WHYS),
    "responses": ([], ["1"], ["1", "2", ""]),
    "calls": ([], [{"name": "Loans", "kind": "agent_tool", "id": "1"}], [{"name": ""}] * 3),
    "usage": ({"input": -5, "output": 2**40}, {}),
    "request": (
        *({"system": 99, "parts": [["user", "text", 98]]}, {"targets": ["Lead"]}, {}),
        *({"after": 3, "same": 1, "contents": ["um", [1, 2**40]]}, {"contents": ["xxxx", [5, 2]]}),
        *({"after": 2**40}, {"after": 5, "same": -1, "contents": ["d", []]}),
    ),
    "texts": ({}, {"1": "For context:"}, {"98": "[Loans] said: 5"}),
}


def mutated(lines: list[bytes], chance: random.Random) -> list[bytes]:
    """Breaks a log's lines in one to four ways."""
    for _ in range(chance.randint(1, 4)):
        lines = chance.choice(_WAYS)(list(lines), chance)
    return lines


def _shuffled(lines: list[bytes], chance: random.Random) -> list[bytes]:
    first = chance.randrange(len(lines) + 1)
    rest = lines[first:]
    chance.shuffle(rest)
    return lines[:first] + rest


def _dropped(lines: list[bytes], chance: random.Random) -> list[bytes]:
    share = chance.random()
    return [line for number, line in enumerate(lines) if not number or chance.random() > share]


def _duplicated(lines: list[bytes], chance: random.Random) -> list[bytes]:
    return [line for line in lines for _ in range(chance.choice((1, 1, 1, 2, 3)))]


def _cut(lines: list[bytes], chance: random.Random) -> list[bytes]:
    whole = b"".join(lines)
    return whole[: chance.randrange(len(whole) + 1)].splitlines(keepends=True)


def _noisy(lines: list[bytes], chance: random.Random) -> list[bytes]:
    for _ in range(chance.randint(1, 5)):
        if lines:
            at = chance.randrange(len(lines))
            line = bytearray(lines[at])
            line[chance.randrange(len(line))] = chance.randrange(256)
            lines[at] = bytes(line)
    return lines


def _without_fields(lines: list[bytes], chance: random.Random) -> list[bytes]:
    def drop(line: Line) -> None:
        for field in chance.sample(sorted(line), chance.randint(0, len(line))):
            del line[field]

    return _edited(lines, chance, drop)


def _with_other_values(lines: list[bytes], chance: random.Random) -> list[bytes]:
    def change(line: Line) -> None:
        for field in chance.sample(sorted(_VALUES), chance.randint(1, 4)):
            line[field] = chance.choice(_VALUES[field])

    return _edited(lines, chance, change)


def _with_wrong_types(lines: list[bytes], chance: random.Random) -> list[bytes]:
    def change(line: Line) -> None:
        if line:
            line[chance.choice(sorted(line))] = chance.choice((None, [], {}, "words", 1.5, [[1]]))

    return _edited(lines, chance, change)


_WAYS = (
    _shuffled,
    _dropped,
    _duplicated,
    _cut,
    _noisy,
    _without_fields,
    _with_other_values,
    _with_other_values,
    _with_wrong_types,
)


def _edited(lines: list[bytes], chance: random.Random, edit: Callable[[Line], None]) -> list[bytes]:
    """Edits some records; mostly not the header, without which there is no log."""
    share = chance.choice((0.05, 0.3, 1.0))
    for number, text in enumerate(lines):
        if chance.random() < (share if number else share / 20):
            try:
                line = json.loads(text)
            except ValueError:
                continue
            if isinstance(line, dict):
                edit(line)
                lines[number] = json.dumps(line).encode() + b"\n"
    return lines


def commands(log: Path, whole: Path, rules: Path, collector: str) -> Iterator[list[str]]:
    """Gives the commands that read a log."""
    yield from (["show", str(log)], ["show", str(log), "--format", "mermaid"])
    yield from (["show", str(log), "--format", "json"], ["show", str(log), "--view", "records"])
    yield from (["diff", str(log), str(whole)], ["diff", str(whole), str(log), "--format", "json"])
    for form in ("text", "junit", "github", "json"):
        yield ["check", str(log), "--expect", str(rules), "--format", form]
    for form in ("csv", "json", "parquet"):
        yield ["export", str(log), "--format", form, "--out", str(log.parent / "tables")]
    yield ["export", str(log), "--otlp", collector]


def run_all(wholes: list[Path], folder: Path, number: int, seed: int) -> Counter[int]:
    """Runs every command on mutated logs; gives how often each exit code came.

    Raises:
      AssertionError: a command crashed, or told an error on more than a line.
    """
    rules, log = folder / "rules.yaml", folder / "mutated.jsonl"
    rules.write_text(RULES)
    codes: Counter[int] = Counter()
    with collecting() as (collector, taken):
        for index in range(number):
            chance = random.Random(f"{seed}-{index}")
            whole = chance.choice(wholes)
            lines = whole.read_bytes().splitlines(keepends=True)
            log.write_bytes(b"".join(mutated(lines, chance)))
            for arguments in commands(log, whole, rules, collector):
                codes[_exit_code(arguments, f"--seed {seed}, number {index}")] += 1
            taken.clear()
    return codes


def _exit_code(arguments: list[str], about: str) -> int:
    out, err = StringIO(), StringIO()
    try:
        with redirect_stdout(out), redirect_stderr(err):
            _COMMAND(arguments)
    except SystemExit as ended:
        code = ended.code
    except Exception as error:
        raise AssertionError(f"{' '.join(arguments)} ({about})") from error
    else:
        code = 0
    told = err.getvalue().splitlines()
    assert isinstance(code, int) and code in (0, 1, 2), (about, arguments, code)
    assert code != 2 or len(told) == 1, (about, arguments, told)
    return code


async def whole_logs(folder: Path) -> list[Path]:
    """Records a conversation under each way of giving work to another agent."""
    paths = []
    for construct in ("transfer", "agent_tool", "task", "coordinator", "parallel"):
        paths.append(folder / f"{construct}.jsonl")
        app = App(name="app", root_agent=wired(Scripted(script=twice(construct)), construct))
        await run_conversation(app, ["What does it cost?", "And then?"], file=paths[-1])
    return paths


def main() -> None:
    """Runs the commands on as many mutated logs as are asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--number", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        wholes = asyncio.run(whole_logs(Path(name)))
        codes = run_all(wholes, Path(name), options.number, options.seed)
    print(f"{options.number:,} logs; exit codes {dict(sorted(codes.items()))}; no crash")


if __name__ == "__main__":
    main()
