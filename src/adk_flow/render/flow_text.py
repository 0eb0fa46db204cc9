"""Moves and figures as lines of a terminal, 80 columns wide and readable without colour."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from msgspec.structs import replace
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from adk_flow._text import join_names, one_line, plain, plural
from adk_flow.analysis.findings import Finding, detect_findings
from adk_flow.analysis.metrics import TurnMetrics, measure, measure_turn
from adk_flow.analysis.moves import Move
from adk_flow.analysis.trace_reader import TraceReader, trace_log
from adk_flow.log.reader import Log
from adk_flow.log.schema import Header, Record
from adk_flow.render.terminal import FAILED_STYLE, print_failure, print_remark, print_title

if TYPE_CHECKING:
    from adk_flow.run.conversation_run import ConversationRun

FlowView = Literal["control", "conversation", "both"]

_CONTROL_STYLE = "red"
_CONVERSATION_STYLE = "blue"

_CONTROL = {
    "start": ("|>", "{source} gives control to {target}"),
    "transfer": ("=>", "{source} transfers to {target}"),
    "call": ("->", "{source} calls {target} and waits"),
    "return": ("<-", "{source} returns to {target}"),
    "fork": ("-<", "{source} calls concurrently: {target}"),
    "join": (">-", "{source} has all answers"),
    "end": ("[]", "{source} ends the turn"),
}
"""The sign of each kind of move of control, and its words."""
_MESSAGE = '""'
_LONGEST_TEXT = 240
"""Characters of a text that a line shows."""


def print_legend(console: Console) -> None:
    """Prints what the signs mean."""
    signs = [f"{sign} {kind}" for kind, (sign, _) in _CONTROL.items()]
    print_remark("  ".join([*signs, f"{_MESSAGE} message"]), console)


def is_in_view(move: Move, view: FlowView) -> bool:
    """Whether a view shows a move."""
    return view == "both" or move.is_control == (view == "control")


class MovePrinter:
    """Prints moves as they come, indented by the calls that are open."""

    def __init__(self, console: Console, view: FlowView = "both") -> None:
        self.console = console
        self.view: FlowView = view
        self._turn = 0
        self._depth: dict[str, int] = {}

    def print(self, move: Move) -> None:
        """Prints one move, under a heading where its turn begins."""
        if move.turn != self._turn:
            self._turn = move.turn
            self._depth.clear()
            self.console.print(Text(f"\nTurn {move.turn}", style="bold"))
        depth = self._indent(move)
        if is_in_view(move, self.view):
            self.console.print(_line(move, "  " * depth), soft_wrap=False)

    def _indent(self, move: Move) -> int:
        """Gives the depth of a move: what happens inside a call stands one step further in."""
        outer = self._depth.get(move.source, 0)
        match move.kind:
            case "call":
                self._depth[move.target] = outer + 1
            case "ask":
                return self._depth.get(move.target, outer)
            case "transfer":
                self._depth[move.target] = outer
            case "return":
                return self._depth.get(move.target, 0) + 1
        return outer + (move.kind == "call")


def _line(move: Move, indent: str) -> Table:
    """Lays out a move: its sign, then its words with a hanging indent."""
    line = Table.grid(padding=(0, 1, 0, 0))
    line.add_column(no_wrap=True)
    line.add_column(overflow="fold")
    sign = _CONTROL[move.kind][0] if move.is_control else _MESSAGE
    style = _CONTROL_STYLE if move.is_control else _CONVERSATION_STYLE
    text = one_line(move.text, _LONGEST_TEXT)
    if not (text or move.is_control):
        text = "(not recorded)"
    words = ": ".join(filter(None, (describe_move(move), text)))
    style = FAILED_STYLE if move.failed else style
    line.add_row(Text(f" {indent}{sign}", style=style), Text(words, style=style))
    return line


def describe_move(move: Move) -> str:
    """Says a move in one sentence, without what was said or went wrong."""
    source, target = plain(move.source), plain(move.target)
    words = _CONTROL[move.kind][1] if move.is_control else "{source} to {target}"
    failed = ("✗ ", ": failed") if move.failed else ("", "")
    return words.format(source=source, target=target).join(failed)


def print_turn_metrics(turn: TurnMetrics, console: Console, *, tells_end: bool = True) -> None:
    """Prints the summary of a turn, of a log that can tell the end of one or cannot."""
    answered = plain(turn.answered_by) or "nobody"
    active_agent = plain(turn.active_agent) or "unknown"
    outlook = f"answered by {answered}; next turn goes to {active_agent}"
    if turn.waits_for:
        names = plain(join_names(turn.waits_for))
        outlook = f"paused: what is waited for goes to {names}, other words to {active_agent}"
    print_remark(f"    {outlook}", console)
    console.print(Padding(Text(count_turn(turn), style="dim"), (0, 0, 0, 4)))
    if not turn.complete and tells_end:
        words = f"    the log stops in the middle of this turn ({turn.turn}): cut or cancelled"
        print_failure(words, console)


def count_turn(turn: TurnMetrics) -> str:
    """Says on one line what a turn took."""
    tokens = plural(turn.tokens, "token")
    if turn.input_tokens is not None and turn.output_tokens is not None:
        tokens = f"{turn.input_tokens:,} + {turn.output_tokens:,} tokens"
    if turn.odd_totals:
        tokens += f" (of {plural(turn.odd_totals, 'call')} the model's total is another)"
    counts = (
        f"{plural(turn.seen_llm_calls, 'LLM call')}{_of_calls(turn)}",
        plural(turn.transfers, "transfer"),
        plural(turn.agent_calls, "agent call"),
        plural(turn.tool_calls, "tool call"),
        f"{plural(turn.messages_read, 'message')} read",
        tokens,
        f"{turn.wall_seconds:.2f} s",
    )
    return ", ".join(counts)


def _of_calls(turn: TurnMetrics) -> str:
    """Says what else is known of the LLM calls."""
    more = [f"unknown calls of {plain(name)}" for name in turn.remote_agents]
    more += [f"{turn.unseen_llm_calls} reported, not seen"] if turn.unseen_llm_calls else []
    if more:
        return " + " + " + ".join(more)
    notes = []
    if turn.reported_llm_calls != turn.llm_calls:
        notes.append(f"{turn.reported_llm_calls} in ADK's session")
    if turn.replayed_llm_calls:
        notes.append(f"{turn.replayed_llm_calls} more replayed")
    if turn.summarizer_llm_calls:
        notes.append(f"{turn.summarizer_llm_calls} of the summarizer")
    return f" ({', '.join(notes)})" if notes else ""


class FlowPrinter:
    """Prints moves as the records of a session come, and the metrics of a turn at its end."""

    def __init__(self, console: Console, view: FlowView = "both") -> None:
        self.console = console
        self._reader, self._printer = TraceReader(), MovePrinter(console, view)
        self._open = 0
        """The turn that has begun last."""

    def read(self, header: Header, record: Record, heading: str = "") -> bool:
        """Prints the moves that a record shows, under a heading; says whether there are any."""
        moves = self._reader.read(record)
        if moves and heading:
            print_title(heading, self.console)
        for move in moves:
            if move.kind == "start":
                self.finish(header)
                self._open = move.turn
            is_early = move.kind == "fork" and move.cause == "node"
            # Known when the second node begins; others may follow.
            self._printer.print(replace(move, target=f"{move.target}, …") if is_early else move)
            if move.kind == "end":
                print_turn_metrics(measure_turn(self._reader.turns[move.turn]), self.console)
                for _ in self._reader.release():
                    pass
        if record.hook == "model_call":
            self._print_late(record)
        return bool(moves)

    def _print_late(self, record: Record) -> None:
        """Prints the metrics again where a call comes once they stand there."""
        turn = self._reader.turn_of(record)
        if turn is not None and turn.complete:
            words = f"    with the summarizer after turn {turn.number}: "
            print_remark(f"{words}{count_turn(measure_turn(turn))}", self.console)

    def finish(self, header: Header) -> None:
        """Prints the metrics of a turn that did not end."""
        turn = self._reader.turns.get(self._open)
        if turn and not turn.complete:
            print_turn_metrics(measure_turn(turn), self.console, tells_end=header.tells_end)


_IN_METRICS = frozenset({"hidden_conversation"})
"""Findings that the metrics of a turn say already."""


def print_flow(
    log: Log, console: Console, view: FlowView = "both", names: Sequence[str] = ()
) -> None:
    """Prints all moves of a log, and at the end of each turn its metrics and findings.

    `names` are those that count as facts.
    """
    header = log.header
    # A graph has no model of its own.
    models = dict.fromkeys(record.model for record in log.records if record.model)
    model = header.model or ", ".join(models) or "unknown"
    console.print(Text(plain(f"{header.app}, model {model}, ADK {header.adk}"), style="bold"))
    print_legend(console)
    trace = trace_log(log)
    findings: dict[int, list[Finding]] = {}
    for finding in detect_findings(trace, names):
        if finding.kind not in _IN_METRICS:
            findings.setdefault(finding.turn, []).append(finding)
    printer = MovePrinter(console, view)
    for turn, metrics in zip(trace.turns, measure(trace), strict=True):
        for move in turn.moves:
            printer.print(move)
        if not turn.moves:  # cut before any agent began
            asked = one_line(metrics.question, 300)
            console.print(Text(f'\nTurn {turn.number}\n "" user: {asked}'))
        print_turn_metrics(metrics, console, tells_end=header.tells_end)
        for finding in findings.get(turn.number, ()):
            mode = f" [MAST {finding.mast}]" if finding.mast else ""
            console.print(Padding(Text(f"finding: {plain(finding.text)}{mode}"), (0, 0, 0, 4)))
    if not trace.turns:
        console.print("The log holds no turn.")
    print_damage(log, console)


def print_run_end(run: ConversationRun, console: Console) -> None:
    """Prints what failed in a conversation that has ended, and where its log lies."""
    problems = [
        f"turn {number}: {reason}"
        for number, reasons in enumerate(run.failed_checks, start=1)
        for reason in reasons
    ]
    if run.faults:
        problems.append(f"{plural(run.faults, 'hook')} could not be recorded")
    if run.uncontrolled:
        from adk_flow.run.conversation_run import describe_uncontrolled

        problems.append(describe_uncontrolled(run.uncontrolled))
    for problem in problems:
        print_failure(one_line(problem, 300), console)
    where = run.log or "none could be written; see the error above"
    console.print(Text(f"\nFlow log: {where}"), soft_wrap=True)


def print_damage(log: Log, console: Console) -> None:
    """Says which lines of a log could not be read, and how many hooks were not recorded."""
    for damage in log.damage:
        reason = one_line(damage.reason, 120)
        print_failure(f"{damage.path or log.path}: line {damage.line} left out: {reason}", console)
    for gap in log.gaps:
        print_failure(plain(f"{gap.path or log.path}: {gap}"), console)
    if log.unrecorded:
        words = f"{log.path}: {plural(log.unrecorded, 'hook')} could not be recorded"
        print_failure(plain(words), console)


def print_records(records: list[Record], console: Console) -> None:
    """Prints one line a record."""
    start = records[0].time if records else 0
    for index, record in enumerate(records):
        console.print(Text(_record_line(index, record, start)), soft_wrap=True)


def _record_line(index: int, record: Record, start: int) -> str:
    about = record.tool or record.model or record.cause
    if record.transfer:
        about = f"=> {record.transfer}"
    words = record.error or record.text
    line = (
        f"{index:5} {(record.time - start) / 1e6:9.3f} s  run {record.run} "
        f"frame {record.activation} {record.hook:<13} {plain(record.agent)} {plain(about)}"
    )
    return f"{line.rstrip()} {one_line(words, 60)}".rstrip()
