"""What a fan-out costs: n calls of a child agent in one turn, in ADK and in its peers.

One model server on 127.0.0.1 takes 200 ms an answer, so that a turn (the lead asks, n children
answer side by side, the lead sums up) takes 0.6 s at best. The floor is `asyncio.gather` over the
bare client of OpenAI's package. Prints each peer's median, its ratio to the floor round by round
and to the ideal, and the processor time of its process. A peer that made another number of model
calls than n + 2, or gave another answer, is an error.

    python benchmarks/fanout.py [--n 3 10 50 200] [--repeat 5] [--peers gather adk…] [--json]
    python benchmarks/fanout.py --ablation --n 50 200     what each saving comes to in ADK
    python benchmarks/fanout.py --profile --n 200         where ADK's time goes

The other frameworks are installed into `.venv-benchmark`, once; without a network they are left
out, with a line that says so.
"""

from __future__ import annotations

import argparse
import fnmatch
import itertools
import json
import os
import pstats
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).resolve().parent
VENV = HERE.parent / ".venv-benchmark"
PACKAGES = (
    "openai[aiohttp]==3.54.0",
    "openai-agents==0.24.0",
    "langgraph==1.2.22",
    "langchain-openai==1.7.3",
    "pydantic-ai-slim==2.68.0",
)
AIOHTTP = "httpx-aiohttp==0.2.0"
"""What aiohttp needs beside the project's own openai 2; a folder of its own keeps it apart."""
SECONDS = 0.2
"""What an answer of the model takes."""
IDEAL = 3 * SECONDS
ANSWER = "All of them are done."
PATIENCE = 120
"""Seconds after which a turn is taken to hang."""

PEERS = {
    "gather": "asyncio.gather, bare client",
    "openai_agents": "OpenAI Agents as_tool",
    "langgraph": "LangGraph react agents",
    "pydantic_ai": "Pydantic AI delegation",
    "adk+agent_tool": "ADK AgentTool",
    "adk+single_turn": "ADK single_turn",
    "adk+coordinator": "ADK Workflow",
    "adk+agent_tool+recorded": "ADK AgentTool, recorded",
    "adk+single_turn+recorded": "ADK single_turn, recorded",
    "adk+coordinator+recorded": "ADK Workflow, recorded",
    "adk+agent_tool+imported+frozen+openai+aiohttp": "ADK AgentTool, tuned",
    "adk+single_turn+imported+frozen+openai+aiohttp": "ADK single_turn, tuned",
    "adk+coordinator+imported+frozen+openai+aiohttp": "ADK Workflow, tuned",
    "openai_agents+frozen+aiohttp": "OpenAI Agents, tuned",
    "langgraph+frozen+aiohttp": "LangGraph, tuned",
    "pydantic_ai+frozen+aiohttp": "Pydantic AI, tuned",
}
ABLATION = {
    "gather": "asyncio.gather, bare client",
    "adk+agent_tool": "ADK AgentTool as it comes",
    "adk+agent_tool+imported": "no failing import",
    "adk+agent_tool+frozen": "gc.freeze",
    "adk+agent_tool+imported+frozen": "both",
    "adk+agent_tool+imported+frozen+openai": "both, OpenAILlm, httpx",
    "adk+agent_tool+imported+frozen+openai+httpx2": "both, OpenAILlm, httpx2",
    "adk+agent_tool+imported+frozen+openai+aiohttp": "both, OpenAILlm, aiohttp (tuned)",
    "adk+agent_tool+imported+frozen+openai+aiohttp+untyped": "tuned, messages sent untyped",
}


class Figure(NamedTuple):
    """What one turn took, in seconds."""

    wall: float
    processor: float


class BenchmarkError(Exception):
    """A figure that would not be true."""


class Peer:
    """A framework in a process of its own."""

    def __init__(self, name: str, url: str, folder: Path) -> None:
        self.name, self._url = name, url
        self._noise = (folder / f"{name}.txt").open("w+")
        command = [_python_of(name), str(HERE / "fanout_peers.py"), name, url]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._noise,
            text=True,
            env={**os.environ, "TMPDIR": str(folder), **_paths_of(name)},
        )

    def turn(self, n: int, profile: Path | None = None) -> Figure:
        """Takes a turn, and checks that the model was really called n + 2 times."""
        _calls_at(self._url)
        assert self._process.stdin and self._process.stdout
        patience = threading.Timer(PATIENCE, self._process.kill)
        patience.start()
        try:
            self._process.stdin.write(json.dumps({"n": n, "profile": str(profile or "")}) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        finally:
            patience.cancel()
        if not line:
            self._noise.seek(0)
            last = self._noise.read().strip().splitlines()[-1:]
            raise BenchmarkError(f"{self.name} ended at n={n}: {' '.join(last)}")
        result = json.loads(line)
        if (calls := _calls_at(self._url)) != n + 2:
            raise BenchmarkError(f"{self.name} made {calls} model calls at n={n}, not {n + 2}")
        if result["answer"] != ANSWER:
            raise BenchmarkError(f"{self.name} answered {result['answer']!r} at n={n}")
        return Figure(result["seconds"], result["cpu"])

    def close(self) -> None:
        """Ends the process."""
        self._process.kill()
        self._process.wait()
        self._noise.close()


def _calls_at(url: str) -> int:
    with urllib.request.urlopen(url, timeout=PATIENCE) as response:
        return json.load(response)


def _is_here(peer: str) -> bool:
    """Whether a peer runs on what the project itself has installed."""
    return peer == "gather" or peer.startswith("adk")


def _python_of(peer: str) -> str:
    return sys.executable if _is_here(peer) else str(VENV / "bin" / "python")


def _paths_of(peer: str) -> dict[str, str]:
    is_added = _is_here(peer) and "aiohttp" in peer
    return {"PYTHONPATH": str(VENV / "beside")} if is_added else {}


@contextmanager
def _server() -> Iterator[str]:
    command = [sys.executable, str(HERE / "fanout_server.py"), str(SECONDS)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            yield process.stdout.readline().strip()
        finally:
            process.kill()


def _tell(text: str) -> None:
    """Shows progress, beside the results."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text[:79]}", end="", file=sys.stderr, flush=True)
    elif text:
        print(text, file=sys.stderr, flush=True)


def _install() -> str:
    """Installs the peers unless they are there; gives what went wrong."""
    mark = VENV / "installed"
    if mark.exists() and mark.read_text() == "\n".join(PACKAGES):
        return ""
    _tell(f"Installing the peers into {VENV.name} (once, about a minute) ...")
    pip = [str(VENV / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "install"]
    beside = ["-q", "--no-deps", "--upgrade", "--target", str(VENV / "beside"), AIOHTTP]
    venv = [sys.executable, "-m", "venv", str(VENV)]
    for command in (venv, [*pip, "-q", *PACKAGES], [*pip, *beside]):
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            said = [line for line in done.stderr.splitlines() if "ERROR" in line]
            return (said or done.stderr.splitlines() or ["pip failed"])[-1]
    (VENV / ".gitignore").write_text("*\n")
    mark.write_text("\n".join(PACKAGES))
    return ""


def _usable(peers: list[str]) -> list[str]:
    others = [peer for peer in peers if not _is_here(peer) or "aiohttp" in peer]
    if others and (reason := _install()):
        _tell("")
        print(f"Left out: {', '.join(others)} ({reason})", file=sys.stderr)
        return [peer for peer in peers if peer not in others]
    return peers


@contextmanager
def _running(names: list[str], url: str) -> Iterator[list[Peer]]:
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        peers = [Peer(name, url, Path(folder)) for name in names]
        try:
            yield peers
        finally:
            for peer in peers:
                peer.close()


def _measure(peers: list[Peer], n: int, repeat: int) -> dict[str, list[Figure]]:
    """Times each peer's turns, turn about so that a busy machine is busy for all."""
    figures: dict[str, list[Figure]] = {peer.name: [] for peer in peers}
    for number in range(repeat + 1):
        for peer in peers[number % len(peers) :] + peers[: number % len(peers)]:
            _tell(f"n={n}, {f'round {number} of {repeat}' if number else 'warm-up'}: {peer.name}")
            # The turn before opens the connections, which a waiting peer has lost.
            peer.turn(n)
            if number:
                figures[peer.name].append(peer.turn(n))
    _tell("")
    return figures


def _rows(figures: dict[str, list[Figure]], n: int) -> list[dict[str, Any]]:
    floor, rows = figures.get("gather", ()), []
    for name, own in figures.items():
        wall = statistics.median(figure.wall for figure in own)
        ratios = [figure.wall / least.wall for figure, least in zip(own, floor, strict=False)]
        rows.append(
            {
                "peer": name,
                "n": n,
                "seconds": round(wall, 4),
                "to_gather": round(statistics.median(ratios), 3) if ratios else None,
                "to_ideal": round(wall / IDEAL, 3),
                "processor_seconds": round(statistics.median(one.processor for one in own), 4),
                "runs": len(own),
            }
        )
    return rows


def _print_table(rows: list[dict[str, Any]], titles: dict[str, str]) -> None:
    print(f"n = {rows[0]['n']:<28} {'s':>8} {'to gather':>11} {'to ideal':>10} {'processor s':>13}")
    for row in rows:
        ratio = f"{row['to_gather']:.2f}" if row["to_gather"] else "-"
        figures = f"{row['to_ideal']:>10.2f} {row['processor_seconds']:>13.3f}"
        print(f"{titles[row['peer']]:<32} {row['seconds']:>8.3f} {ratio:>11} {figures}")
    print()


def _profile(peer: str, n: int, url: str) -> None:
    """Prints in which packages and functions a turn's time is spent."""
    with tempfile.TemporaryDirectory() as folder, _running([peer], url) as peers:
        path = Path(folder) / "turn.prof"
        for profile in (None, None, path):
            peers[0].turn(n, profile)
        stats: dict[Any, Any] = vars(pstats.Stats(str(path)))["stats"]
    # Without the waiting for the model.
    functions = {place: own for place, own in stats.items() if "select.epoll" not in place[2]}
    packages: Counter[str] = Counter()
    for (file, _, _), (_, _, own, _, _) in functions.items():
        packages[_package_of(file)] += own
    total = sum(packages.values())
    print(f"{peer}, n = {n}: {total:.2f} s under cProfile, which slows Python down about twofold")
    for package, seconds in packages.most_common(12):
        print(f"  {seconds:7.3f} s {seconds / total:6.1%}  {package}")
    longest = sorted(functions.items(), key=lambda item: -item[1][2])
    for (file, line, name), (_, calls, own, _, _) in longest[:15]:
        where = "/".join(Path(file).parts[-2:])
        print(f"  {own:7.3f} s {calls:>9} calls  {where}:{line} {name}"[:80])
    print()


def _package_of(file: str) -> str:
    if found := re.search(r"site-packages/(google/\w+|[^/]+)", file):
        return found[1]
    return "built in functions" if file == "~" else "standard library"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="What a fan-out costs.")
    parser.add_argument("--n", type=int, nargs="+", default=[3, 10, 50, 200])
    parser.add_argument("--repeat", type=int, default=5, help="timed turns a peer")
    parser.add_argument(
        "--peers", nargs="+", metavar="NAME", help="names, or patterns such as adk*"
    )
    parser.add_argument("--ablation", action="store_true", help="what each saving comes to")
    parser.add_argument("--profile", action="store_true", help="where the time of ADK's goes")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def main() -> None:
    """Runs the benchmark."""
    options = _options()
    titles = ABLATION if options.ablation else PEERS
    chosen = options.peers or (["adk+agent_tool"] if options.profile else ["*"])
    peers = [name for name in titles if any(fnmatch.fnmatch(name, one) for one in chosen)]
    if unknown := [one for one in chosen if not fnmatch.filter(titles, one)]:
        sys.exit(f"fanout: no such peer: {unknown[0]}; known are {', '.join(titles)}")
    peers = _usable(peers)
    rows = []
    try:
        with _server() as url:
            if options.profile:
                for n, peer in itertools.product(options.n, peers):
                    _profile(peer, n, url)
            elif peers:
                with _running(peers, url) as running:
                    for n in options.n:
                        rows += (measured := _rows(_measure(running, n, options.repeat), n))
                        if not options.json:
                            _print_table(measured, titles)
    except BenchmarkError as error:
        _tell("")
        sys.exit(f"fanout: {error}")
    if options.json:
        print(json.dumps(rows, indent=2))


if __name__ == "__main__":
    main()
