"""What a flow looks like: text, Mermaid, JSON, and hostile text in all of them."""

import io
import re
from itertools import product

from google.adk.tools.agent_tool import AgentTool
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from adk_flow._text import one_line, plain
from adk_flow.models.scripted import Scripted, call
from adk_flow.render.flow_json import flow_to_data
from adk_flow.render.flow_text import FlowView, MovePrinter
from adk_flow.render.mermaid import sequence_diagram
from adk_flow.render.narration import Narrator
from adk_flow.render.templates import inline
from adk_flow.render.terminal import fold_words
from tests.doubles.flow import agent, expected, record
from tests.watch.logs import desk


def told(moves, view: FlowView = "both"):
    stream = io.StringIO()
    console = Console(file=stream, width=80, highlight=False, markup=False)
    printer = MovePrinter(console, view)
    for move in moves:
        printer.print(move)
    return "\n".join(line.rstrip() for line in stream.getvalue().strip().splitlines())


async def test_the_text_tells_control_and_conversation_apart_by_sign(tmp_path):
    flow = await record(desk(), ["Cost?", "And savings?"], tmp_path)

    assert told(flow.moves) == expected("""
        Turn 1
         |> user gives control to Root
         "" user to Root: Cost?
           -> Root calls Loans and waits
           "" Root to Loans: How dear?
           "" Loans to Root: 5
           <- Loans returns to Root
         "" Root to user: It is 5%.
         [] Root ends the turn

        Turn 2
         |> user gives control to Root
         "" user to Root: And savings?
         => Root transfers to Savings
         "" Savings to user: Save.
         [] Savings ends the turn
    """)


async def test_a_view_shows_control_or_conversation_alone(tmp_path):
    flow = await record(desk(), ["Cost?"], tmp_path)

    assert '""' not in told(flow.moves, "control")
    assert told(flow.moves, "conversation") == expected("""
        Turn 1
         "" user to Root: Cost?
           "" Root to Loans: How dear?
           "" Loans to Root: 5
         "" Root to user: It is 5%.
    """)


async def test_the_diagram_shades_an_agent_tools_run_and_ends_bars_at_transfers(tmp_path):
    flow = await record(desk(), ["Cost?", "And savings?"], tmp_path)

    colours, _, diagram = sequence_diagram(flow.moves).partition("\n")
    assert colours.startswith("%%{init:")
    assert diagram.strip() == expected("""
        sequenceDiagram
            actor p0 as user
            participant p1 as Root
            participant p2 as Loans
            participant p3 as Savings
            Note over p0,p3: Turn 1
            p0-->>p1: Cost?
            activate p1
            rect rgba(128, 128, 128, 0.06)
            p1-->>p2: How dear?
            activate p2
            p2-->>p1: 5
            deactivate p2
            end
            p1-->>p0: It is 5#37;.
            deactivate p1
            Note over p0,p3: Turn 2
            p0-->>p1: And savings?
            activate p1
            p1-)p3: transfer
            deactivate p1
            activate p3
            p3-->>p0: Save.
            deactivate p3
    """)


async def test_calls_at_once_stand_side_by_side_in_the_diagram(tmp_path):
    both = [call("Loans", request="a"), call("Funds", request="b")]
    model = Scripted(script={"Root": [both, "ab"], "Loans": ["A"], "Funds": ["B"]})
    tools = [AgentTool(agent("Loans", model)), AgentTool(agent("Funds", model))]

    flow = await record(agent("Root", model, tools=tools), ["Both?"], tmp_path)
    lines = [line.strip() for line in sequence_diagram(flow.moves).splitlines()]

    branches = lines[lines.index("par Loans") : lines.index("p1-->>p0: ab")]
    assert "\n".join(branches) == expected("""
        par Loans
        rect rgba(128, 128, 128, 0.06)
        p1-->>p2: a
        activate p2
        p2-->>p1: A
        deactivate p2
        end
        and Funds
        rect rgba(128, 128, 128, 0.06)
        p1-->>p3: b
        activate p3
        p3-->>p1: B
        deactivate p3
        end
        end
    """)


def contrast(one, other):
    """By WCAG 2.2, of two colours as CSS writes them."""
    light = []
    for colour in (one, other):
        digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
        parts = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        light.append(0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2] + 0.05)
    return max(light) / min(light)


def test_colours_of_a_diagram_are_readable_on_light_and_on_dark():
    """3 to 1 for lines, on GitHub's pages and on a box in a box there."""
    colours = set(re.findall("#[0-9a-f]{6}", sequence_diagram([])))
    assert len(colours) == 4
    for colour, page in product(colours, ("#ffffff", "#0d1117", "#212830")):
        parts = [int(page[i : i + 2], 16) for i in (1, 3, 5)]
        shaded = [round(128 + (part - 128) * (1 - 0.06) ** 2) for part in parts]
        for ground in (page, "#{:02x}{:02x}{:02x}".format(*shaded)):
            assert contrast(colour, ground) >= 3


def test_colours_of_page_and_report_are_readable_on_light_and_on_dark():
    light, _, dark = str(inline("shared.css").text).partition("@media screen")
    colours = dict(re.findall(r"--([a-z-]+): (#\w+)", light))
    themes = colours, colours | dict(re.findall(r"--([a-z-]+): (#\w+)", dark))
    least = dict.fromkeys(("control", "talk", "bad", "soft", "ink", "accent"), 4.5)
    least |= dict.fromkeys(("edge", "thread"), 3)  # of lines only
    for theme, name, ground in product(themes, least, ("paper", "wash", "band")):
        assert contrast(theme[name], theme[ground]) >= least[name], (name, ground)


async def test_a_cut_flow_is_drawn_as_far_as_it_goes(tmp_path):
    flow = await record(desk(), ["Cost?"], tmp_path)

    for length in range(len(flow.moves)):
        lines = [line.strip() for line in sequence_diagram(flow.moves[:length]).splitlines()]
        opened = sum(line.startswith(("rect ", "par ")) for line in lines)
        assert opened == lines.count("end")
        activated = [line.split()[1] for line in lines if line.startswith("activate")]
        ended = [line.split()[1] for line in lines if line.startswith("deactivate")]
        assert sorted(activated) == sorted(ended)


HOSTILE = "\x1b[31mred\x1b[0m\x07\r\n</text><script>alert(1)</script>; end #x %% \u202eevil"


async def test_hostile_text_reaches_neither_terminal_nor_diagram(tmp_path):
    model = Scripted(script={"Root": [HOSTILE]})
    flow = await record(agent("Root", model), [HOSTILE], tmp_path)

    text, diagram = told(flow.moves), sequence_diagram(flow.moves)

    for drawn in (text, diagram):
        assert not any(sign in drawn for sign in "\x1b\x07\r\u202e")
    assert "<" not in diagram
    assert all(line.strip() != "end" for line in diagram.splitlines())
    assert diagram.count("p0-->>p1") == 1
    assert plain(HOSTILE).startswith("red\n</text>")


def test_one_line_cuts_at_the_limit():
    assert one_line("a  b\n c", 10) == "a b c"
    assert one_line("x" * 50, 10) == "x" * 9 + "…"


async def test_the_narrator_tells_while_it_happens(tmp_path):
    stream = io.StringIO()
    await record(desk(), ["Cost?"], tmp_path, listener=Narrator(stream))

    told_live = stream.getvalue()
    assert "Root calls Loans and waits" in told_live
    assert "answered by Root; next turn goes to Root" in told_live
    assert "3 LLM calls (2 in ADK's session), 0 transfers, 1 agent call" in told_live


async def test_json_holds_moves_figures_and_header(tmp_path):
    flow = await record(desk(), ["Cost?"], tmp_path)

    data = flow_to_data(flow.trace, "control")

    assert data["header"]["adk"]
    assert [move["kind"] for move in data["moves"]] == ["start", "call", "return", "end"]
    (turn,) = data["turns"]
    assert (turn["llm_calls"], turn["reported_llm_calls"], turn["answered_by"]) == (3, 2, "Root")


@given(st.text(alphabet="ab 日é", max_size=60), st.integers(0, 6), st.integers(10, 30))
def test_folded_words_lose_nothing_and_keep_their_width_and_indent(words, indent, width):
    words, start = " ".join(words.split()), "x" * indent

    first, *others = fold_words(start, words, width)

    assert all(cell_len(line) <= width for line in (first, *others))
    assert first.startswith(start)
    assert all(line.startswith(" " * indent) for line in others)
    text = "".join(line[indent:] for line in (first, *others))
    assert text.replace(" ", "") == words.replace(" ", "")
