"""What each command is for, in the words of the list of all, and how it is typed."""

from __future__ import annotations

from typing import NamedTuple


class Example(NamedTuple):
    """A command in a few words, with lines that can be typed."""

    purpose: str
    lines: tuple[str, ...]

    @property
    def epilog(self) -> str:
        """The lines below the help of the command; `\\b` keeps them apart."""
        return "\n".join(["\b", "Examples:", *(f"  {line}" for line in self.lines)])


_TEXT = """
Talk with an app and see each move as it happens.
adk-flow run my_app 'What is an ISA?' 'And a pension?'
adk-flow run my_app --conversation talk.yaml --model offline

Write down who does what, to replay it without a model.
adk-flow plan my_app --question 'What is an ISA?' > talk.yaml
adk-flow plan my_app --from flow_logs > talk.yaml

Show a recorded flow as text, diagram, page or JSON.
adk-flow show flow_logs
adk-flow show session.jsonl --format html --out session.html

Open a page on which flows are seen while they happen.
adk-flow watch flow_logs
adk-flow watch --with adk web .

Compare ways of wiring the same agents, or logs.
adk-flow compare my_app --question 'What is an ISA?' --model offline
adk-flow compare my_app --conversation talks/ --constructs transfer,agent_tool
adk-flow compare before.jsonl after.jsonl

Print what each construct takes, as formulas.
adk-flow laws
adk-flow laws --prices prices.yaml

Name the cheapest constructs of an app before any run.
adk-flow predict my_app

Compare the shards of a comparison.
adk-flow merge part-1 part-2 --out whole

Check a flow against rules, for CI.
adk-flow check session.jsonl --expect rules.yaml
adk-flow check my_app --expect rules.yaml --format junit

Show what changed between two flows.
adk-flow diff before.jsonl after.jsonl
adk-flow diff logs/monday logs/tuesday

Show an app's agents, and what may go wrong.
adk-flow inspect my_app
adk-flow inspect my_app --format mermaid

Write an app's agents as ADK code under a construct.
adk-flow wire my_app --construct single_turn --write my_app_single_turn

Print the lines that record every run of an app.
adk-flow init my_app

Write flows as tables, trace events or spans.
adk-flow export flow_logs --format parquet --out tables
adk-flow export session.jsonl --format chrome --out trace.json

Compare what releases of ADK do with an app.
adk-flow versions my_app --adk 1.39.1 --adk 2.13.0 --question 'What is an ISA?'

Serve commands to a coding agent.
adk-flow mcp
"""
"""Of each command its purpose, then its lines."""


EXAMPLES = {
    lines[0].split()[1]: Example(purpose, tuple(lines))
    for purpose, *lines in map(str.splitlines, _TEXT.strip().split("\n\n"))
}
