"""Moves and figures as lines as wide as the terminal, readable without colour."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Literal

from rich.console import Console

from adk_flow._text import join_names, one_line, plain, plural
from adk_flow.analysis.findings import Finding, detect_findings
from adk_flow.analysis.metrics import TurnMetrics, measure_turn, summed
from adk_flow.analysis.move import Move
from adk_flow.analysis.trace import Outlook, Trace
from adk_flow.analysis.trace_reader import read_turns
from adk_flow.log.reader import Log, LogFile, RecentTexts
from adk_flow.log.schema import Record
from adk_flow.render.terminal import (
    FAILED_STYLE,
    print_failure,
    print_lines,
    print_remark,
    print_words,
)

if TYPE_CHECKING:
    from adk_flow.run.conversation_run import ConversationRun

FlowView = Literal["control", "conversation", "both"]

_CONTROL_STYLE = "red"
_CONVERSATION_STYLE = "bright_blue"  # ANSI blue has 2 to 1 on a black terminal (xterm)

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
            print_lines(["", f"Turn {move.turn}"], "bold", self.console)
        indent = "  " * self._indent(move)
        if is_in_view(move, self.view):
            sign = _CONTROL[move.kind][0] if move.is_control else _MESSAGE
            style = _CONTROL_STYLE if move.is_control else _CONVERSATION_STYLE
            style = FAILED_STYLE if move.failed else style
            print_words(_words_of(move), self.console, style=style, start=f" {indent}{sign} ")

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


def _words_of(move: Move) -> str:
    text = one_line(move.text, 240) or ("" if move.is_control else "(not recorded)")
    return ": ".join(filter(None, (describe_move(move), text)))


def describe_move(move: Move) -> str:
    """Says a move in one sentence, without what was said or went wrong."""
    source, target = plain(move.source), plain(move.target)
    words = _CONTROL[move.kind][1] if move.is_control else "{source} to {target}"
    failed = ("✗ ", ": failed") if move.failed else ("", "")
    return words.format(source=source, target=target).join(failed)


def print_turn_metrics(turn: TurnMetrics, console: Console, *, tells_end: bool = True) -> None:
    """Prints the summary of a turn, of a log that can tell the end of one or cannot."""
    active_agent = plain(turn.active_agent) or "unknown"
    if turn.waits_for:
        names = plain(join_names(turn.waits_for))
        outlook = f"paused: what is waited for goes to {names}, other words to {active_agent}"
    else:
        answered = plain(turn.answered_by) or "nobody"
        outlook = f"answered by {answered}; next turn goes to {active_agent}"
    _print_below(outlook, "dim", console)
    _print_below(count_turn(turn), "dim", console)
    if not turn.complete and tells_end:
        words = f"the log stops in the middle of this turn ({turn.turn}): cut or cancelled"
        _print_below(words, FAILED_STYLE, console)


def _print_below(words: str, style: str, console: Console) -> None:
    print_words(words, console, style=style, start="    ")


def count_turn(turn: TurnMetrics) -> str:
    """Says on one line what a turn took."""
    tokens = plural(turn.tokens, "token")
    if turn.input_tokens is not None and turn.output_tokens is not None:
        tokens = f"{turn.input_tokens:,} input + {turn.output_tokens:,} output tokens"
    if turn.odd_totals:
        tokens += f" (of {plural(turn.odd_totals, 'call')} the model's total is another)"
    counts = (
        f"{plural(turn.seen_llm_calls, 'LLM call')}{_of_calls(turn)}",
        plural(turn.transfers, "transfer"),
        plural(turn.agent_calls, "agent call"),
        f"{plural(turn.tool_calls, 'tool call')}{_of_tools(turn)}",
        f"{plural(turn.messages_read, 'message')} to the user",
        tokens,
        f"took {turn.wall_seconds:.2f} s",
    )
    return ", ".join(counts)


def _of_tools(turn: TurnMetrics) -> str:
    """Names the functions that ran, and how often if more than once."""
    names = (f"{plain(name)}{f' {n}' if n > 1 else ''}" for name, n in turn.tools.items())
    return f" ({', '.join(names)})" if turn.tools else ""


def _of_calls(turn: TurnMetrics) -> str:
    """Says what else is known of the LLM calls."""
    more = [f" + unknown calls of {plain(name)}" for name in turn.remote_agents]
    more += [f" + {turn.unseen_llm_calls} reported, not seen"] * bool(turn.unseen_llm_calls)
    more += [" + unknown, as lines of the log are lost"] * turn.lacks_lines
    is_hiding = turn.reported_llm_calls != turn.llm_calls
    notes = [f"{turn.reported_llm_calls} in ADK's session"] * is_hiding
    notes += [f"{turn.replayed_llm_calls} more replayed"] * bool(turn.replayed_llm_calls)
    notes += [f"{turn.summarizer_llm_calls} of the summarizer"] * bool(turn.summarizer_llm_calls)
    return "".join(more) or (f" ({', '.join(notes)})" if notes else "")


_GLOSSES = {
    "canary": "a planted fact, looked for in what each agent is shown",
    "MAST": "a published list of the ways in which agents fail together",
}
"""Terms of findings, each said once below the first that uses it."""


def list_findings(trace: Trace, names: Sequence[str] = ()) -> list[Finding]:
    """Gives the findings of a flow but those that the metrics of a turn say already."""
    return [each for each in detect_findings(trace, names) if each.kind != "hidden_conversation"]


def describe_finding(finding: Finding) -> str:
    """Says a finding with the failure mode that it is, if any."""
    return f"{plain(finding.text)}{f' [MAST {finding.mast}]' if finding.mast else ''}"


def print_flow(
    log: Log | LogFile,
    console: Console,
    view: FlowView = "both",
    only: int = 0,
    names: Sequence[str] = (),
) -> None:
    """Prints the moves of a log, or of one turn, with the metrics and findings of each turn.

    No more of it is held than the turns under way; it is read again where a finding looks beyond
    its turn. `names` are those that count as facts.
    """
    header, outlook = log.header, cache(lambda: Outlook(read_turns(log.records)))
    asked = (record.model for record in log.records if record.model)  # a graph has none of its own
    model = header.model or ", ".join(dict.fromkeys(asked)) or "unknown"
    print_words(plain(f"{header.app}, model {model}, ADK {header.adk}"), console, style="bold")
    print_legend(console)
    glosses = dict(_GLOSSES)
    printer, texts, is_empty = MovePrinter(console, view), RecentTexts(), True
    part = Log(log.path, header, [], texts, [])
    for turn in read_turns(texts.note(log.records)):
        is_empty = False
        if only not in (0, turn.number):
            continue
        for move in turn.moves:
            printer.print(move)
        turn.note_losses(log.holes)
        metrics = measure_turn(turn)
        if not turn.moves:  # cut before any agent began
            print_lines(["", f"Turn {turn.number}"], "bold", console)
            question = one_line(metrics.question, 300)
            print_words(f"user: {question}", console, start=f" {_MESSAGE} ")
        print_turn_metrics(metrics, console, tells_end=header.tells_end)
        for finding in list_findings(Trace(part, [turn], outlook), names):
            words = describe_finding(finding)
            _print_below(f"finding: {words}", "", console)
            for term in [term for term in glosses if term in words]:
                _print_below(f"{term}: {glosses.pop(term)}", "dim", console)
    if is_empty:
        print_words("The log holds no turn.", console)
    print_damage(log, console)


def print_run_end(run: ConversationRun, console: Console) -> None:
    """Prints what failed in a conversation that has ended, and where its log lies."""
    problems = run.lacking
    if run.faults:
        problems.append(f"{plural(run.faults, 'hook')} could not be recorded")
    if run.uncontrolled:
        from adk_flow.run.conversation_run import describe_uncontrolled

        problems.append(describe_uncontrolled(run.uncontrolled))
    for problem in problems:
        print_failure(one_line(problem, 300), console)
    where = run.log or "none could be written; see the error above"
    print_lines(["", f"Flow log: {where}"], "", console)
    if run.sides:
        words = f"With its A2A servers ({run.sides}): {count_turn(summed(run.turns))}"
        print_remark(words, console)


def print_damage(log: Log | LogFile, console: Console) -> None:
    """Says which lines of a log could not be read, and how many hooks were not recorded."""
    losses = log.read_so_far if isinstance(log, LogFile) else log
    for damage in losses.damage:
        reason = one_line(damage.reason, 120)
        print_failure(f"{damage.path or log.path}: line {damage.line} left out: {reason}", console)
    for gap in losses.gaps:
        print_failure(plain(f"{gap.path or log.path}: {gap}"), console)
    if losses.unrecorded:
        words = f"{log.path}: {plural(losses.unrecorded, 'hook')} could not be recorded"
        print_failure(plain(words), console)


def print_records(records: Iterable[tuple[int, Record]], console: Console, start: int = 0) -> None:
    """Prints one line a record, by its index, with the time since a start: that of the first."""
    for index, record in records:
        start = start or record.time
        place = f"{index:5} {(record.time - start) / 1e6:9.3f} s  "
        print_words(_record_words(record), console, start=place)


def _record_words(record: Record) -> str:
    about = record.tool or record.model or record.cause
    about = f"=> {record.transfer}" if record.transfer else about
    line = f"run {record.run} activation {record.activation} {record.hook:<13}"
    who = f"{line} {plain(record.agent)} {plain(about)}".rstrip()
    return f"{who} {one_line(record.error or record.text, 60)}".rstrip()
