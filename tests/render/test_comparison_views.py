"""A comparison in the terminal, in Markdown and in JSON, hostile names and gaps among it."""

import io
import json

from msgspec.structs import replace
from rich.cells import cell_len
from rich.console import Console

from adk_flow.analysis.findings import Finding
from adk_flow.analysis.findings.finding import Kind, Level
from adk_flow.analysis.metrics import TurnMetrics, summed
from adk_flow.analysis.run_metrics import RunMetrics
from adk_flow.analysis.visibility import Visibility
from adk_flow.comparison.aggregate import Comparison, Setting, compare_runs
from adk_flow.comparison.crossovers import Winner
from adk_flow.comparison.evidence import describe_gaps
from adk_flow.render.comparison_html import comparison_to_html
from adk_flow.render.comparison_json import comparison_to_data
from adk_flow.render.comparison_text import comparison_to_markdown, print_comparison, print_summary
from adk_flow.render.markdown import escape_markdown
from adk_flow.wiring import CONSTRUCTS
from tests.doubles.flow import expected

LONG = [
    *("five_follow_ups", "follow_up", "needs_another", "one_question", "out_of_scope"),
    *("three_in_one_message", "three_topics", "two_in_one_message"),
]
HOSTILE = "\x1b[31mred\x1b[0m|`x`\r\n<script>alert(1)</script>\u202e*b* [l](u) _i_ $m$"


def run(
    construct="transfer", conversation="follow_up", calls=(3, 2), reported=None, **changes
) -> RunMetrics:
    """A run that made so many LLM calls in each turn, of a second and a thousand tokens each."""
    turns = [
        TurnMetrics(
            turn=number,
            llm_calls=count,
            reported_llm_calls=count if reported is None else reported,
            input_tokens=900 * count,
            output_tokens=100 * count,
            llm_microseconds=1_000_000 * count,
            critical_path_microseconds=1_000_000 * count,
            complete=True,
        )
        for number, count in enumerate(calls, start=1)
    ]
    known = {"adk": "2.13.0", "model": "offline", "dollars": 0.001 * sum(calls), "checked": True}
    known |= {"construct": construct, "conversation": conversation, "turns": turns}
    known |= {"failed_checks": [[] for _ in calls], "total": summed(turns)}
    shown = Visibility(agents=["Root"], canaries=[], unseen=[], sights=[], leaks=[], crossings=[])
    return RunMetrics(**{**known, "visibility": shown, **changes})


def compared(*runs: RunMetrics, baseline="transfer", **setting) -> Comparison:
    return compare_runs(runs, Setting(app="desk", baseline=baseline, **setting))


def printed(comparison: Comparison, width: int = 80) -> str:
    stream = io.StringIO()
    console = Console(file=stream, width=width, highlight=False, markup=False)
    print_comparison(comparison, console)
    lines = stream.getvalue().splitlines()
    assert max(map(cell_len, lines)) <= width
    return "\n".join(line.rstrip() for line in lines)


def section(text: str, title: str) -> str:
    """What stands under a title, up to the next empty line."""
    return text[text.index(title) :].partition("\n\n")[0].partition("\n")[2].strip()


def two_constructs() -> Comparison:
    return compared(
        run("transfer", calls=(3, 2)),
        run("agent_tool", calls=(4, 4), reported=2, failed_checks=[[], ["lacks the word tax"]]),
    )


def test_the_terminal_shows_calls_costs_times_and_what_is_hidden():
    text = printed(two_constructs())

    assert text.startswith(
        "Controlled comparison of desk: 2 constructs, 1 conversation × 1 trial\n"
        "controlled: the same decisions under every construct: only the wiring differs\n"
        "model offline; google-adk 2.13.0; baseline transfer\n"
    )
    assert section(text, "LLM calls made") == expected("""
        construct   follow_up
        ─────────────────────
        transfer          3→5
        agent_tool       4→8!
        ! an answer lacks what was asked for, or a turn failed
    """)
    assert section(text, "Calls, tokens") == expected("""
        construct   LLM calls  in session  tokens     cost  LLM calls ±  cost ±
        ───────────────────────────────────────────────────────────────────────
        transfer            5         all   5,000  $0.0050            –       –
        agent_tool          8      4 of 8   8,000  $0.0080           +3   +60 %
        in session: LLM calls that ADK's session shows
        +, −, ±: more or less than transfer, the baseline
    """)
    assert section(text, "Time, checks") == expected("""
        construct   wall time  LLM time  critical path  parallelism  passed   agree
        ───────────────────────────────────────────────────────────────────────────
        transfer       0.00 s    5.00 s         5.00 s         1.00  1 of 1       –
        agent_tool     0.00 s    8.00 s         8.00 s         1.00  0 of 1  1 of 1
        construct     context
        ─────────────────────
        transfer    one agent
        agent_tool  one agent
        critical path: the longest chain of calls that had to wait for one another
        parallelism: LLM time divided by the critical path
        agree: runs in which the user reads the figures, or else the words, of the
        baseline's answers
        context: what a specialist receives besides its own messages and tool calls
    """)
    assert section(text, "What ADK's session does not show") == (
        "- ADK's session shows only some of the LLM calls: agent_tool 4 of 8."
    )
    assert "\nFindings\n- None.\n" in text
    first = section(text, "Recommendation")
    assert first.startswith("- For conversations like these take transfer ")
    assert section(text, "What to bear in mind").startswith("- Controlled: ")


def test_every_construct_and_long_conversations_fit_80_columns():
    calls = {"five_follow_ups": (200,) * 6, "three_topics": (11,) * 4, "follow_up": (10, 10)}
    runs = [run(name, asked, calls.get(asked, (12,))) for name in CONSTRUCTS for asked in LONG]
    table = section(printed(compared(*runs)), "LLM calls made").splitlines()

    assert table[0].split() == ["construct", *"123456"]
    assert "agent_tool_skip_" in [line.rstrip().split(" ")[0] for line in table]
    rows = [" ".join(line.split()) for line in table if line.startswith("single_agent ")]
    assert rows == [
        "single_agent 200→400→600→800→1,000→1,200 10→20 12 12 12 12",
        "single_agent 11→22→33→44 12",
    ]
    assert "6 three_in_one_message" in "\n".join(table)


def test_of_hundreds_of_turns_the_calls_of_the_first_and_last_are_written():
    text = printed(compared(run("transfer", "long", (1,) * 200), run("task", "one", (2,))))

    (row,) = [line for line in text.splitlines() if "200" in line and "→" in line]
    assert "1→2→3→" in text and "→12→…→189→" in text.replace("\n", "").replace(" ", "")
    assert row.rstrip().endswith("→200")


def test_a_narrow_terminal_gets_the_call_table_in_parts():
    runs = [run(name, asked) for name in ("transfer", "task") for asked in LONG]

    table = section(printed(compared(*runs), width=40), "LLM calls made")

    assert table.count("construct") > 1
    assert table.count("3→5") == 16


def test_a_conversation_that_a_construct_did_not_hold_is_left_blank_and_not_compared():
    runs = [run("transfer"), run("transfer", "one", (3,)), run("task", "one", (4,))]
    text = printed(compared(*runs))

    assert section(text, "LLM calls made").splitlines()[-1].split() == ["task", "–", "4"]
    assert "±" not in section(text, "Calls, tokens")


def test_hostile_names_reach_neither_terminal_nor_markdown():
    finding = Finding(kind="leak", turn=1, agents=(HOSTILE,), text=HOSTILE, records=())
    hostile = run(HOSTILE, HOSTILE * 5, model=HOSTILE, findings=[finding])
    setting = dict.fromkeys(("baseline", "price_model", "stopped"), HOSTILE)
    maps = {"skipped": {HOSTILE: HOSTILE}, "notes": [HOSTILE], "changes": {HOSTILE: [HOSTILE]}}
    comparison = compared(hostile, run(), **setting, **maps)

    for width in (80, 30):
        printed(comparison, width)
    markdown = comparison_to_markdown(comparison)

    for text in (printed(comparison), markdown):
        assert not any(sign in text for sign in "\x1b\x07\r\u202e")
        assert "red" in text
    assert "<" not in markdown
    assert "`" not in markdown.replace("\\`", "")
    tables = [line.replace("\\|", "") for line in markdown.splitlines() if line.startswith("|")]
    assert [line.count("|") for line in tables] == ([4] * 4 + [6] * 4 + [9] * 4 + [4] * 3 + [5] * 3)


def test_words_mean_nothing_but_themselves_in_markdown():
    signs = r"\_a\_ \*b\* \`c\` \[d\](e) \| &lt;f&gt; &amp; \$g\$"
    for text, escaped in {
        "agent_tool costs 1.5": "agent_tool costs 1.5",
        "_a_ *b* `c` [d](e) | <f> & $g$": signs,
        "# a\n- b": r"\# a - b",
        "- a": r"\- a",
        "12. a": r"12\. a",
        "\\": "\\\\",
    }.items():
        assert escape_markdown(text) == escaped


def test_markdown_holds_what_the_terminal_shows():
    markdown = comparison_to_markdown(two_constructs())

    assert section(markdown, "## LLM calls made") == ""
    assert "| agent_tool | 8 | 4 of 8 | 8,000 | \\$0.0080 | +3 | +60 % |" in markdown
    assert "| agent_tool | 4→8! |" in markdown
    assert "- ADK's session shows only some of the LLM calls: agent_tool 4 of 8." in markdown
    assert "## Recommendation\n\n- For conversations like these take transfer " in markdown
    assert [line for line in markdown.splitlines() if line.startswith("#")] == [
        "# Controlled comparison of desk: 2 constructs, 1 conversation × 1 trial",
        "## LLM calls made by the end of each turn",
        "## Calls, tokens and cost over all conversations",
        "## Time, checks and context of specialists",
        "## What ADK's session does not show",
        "## Findings",
        "## Recommendation",
        "## What to bear in mind",
    ]


def test_a_single_construct_is_compared_with_nothing():
    winner = Winner("follow-ups", 0, "tokens", ["transfer"], {"transfer": 1.0})
    text = printed(replace(compared(run()), winners=[winner, replace(winner, point=1)]))

    assert "more or less" not in text
    assert "baseline" not in text
    assert "Where the winner changes" not in text
    assert "Only transfer was run" in text


def test_without_a_baseline_there_are_no_differences():
    comparison = compared(run("transfer"), run("task"), baseline="")

    assert "more or less" not in printed(comparison)
    assert comparison_to_data(comparison)["constructs"][0]["difference_to_baseline"] is None


def test_an_unknown_cost_is_said_to_be_unknown():
    comparison = compared(run("transfer"), run("task", dollars=None))

    row = section(printed(comparison), "Calls, tokens").splitlines()[3]
    assert row.split()[-2:] == ["unknown", "±0"]
    assert "Costs are unknown" in printed(comparison)


def test_where_nothing_was_checked_nothing_passed():
    runs = [run(name, checked=False, failed_checks=[]) for name in ("transfer", "task")]
    failed = TurnMetrics(turn=1, failed=True, error="x")
    runs.append(run("loop", checked=False, failed_checks=[], total=failed))
    comparison = compared(*runs)
    text, page = printed(comparison), comparison_to_html(comparison)

    assert text.count("unchecked") == 2
    assert text.count("1 of 1 not answered") == 1
    assert "no answer was checked" in " ".join(text.split())
    assert '<span class="tag cheapest">cheapest</span>' in page
    assert ">recommended<" not in page


def test_a_difference_that_is_not_written_is_none():
    comparison = compared(run("transfer"), run("task", dollars=0.005_000_1))

    row = section(printed(comparison), "Calls, tokens").splitlines()[3]
    assert row.split()[-3:] == ["$0.0050", "±0", "–"]


def test_an_incomplete_construct_is_marked_and_said_to_be_with_what_it_lacks():
    unchecked = [run(name, checked=False, failed_checks=[]) for name in ("transfer", "task")]
    comparison = compared(*unchecked, incomplete={"task": "S is missing, a SequentialAgent"})
    out = io.StringIO()
    print_summary(comparison, Console(file=out, width=1000))

    rows = [line.split() for line in out.getvalue().splitlines()]
    assert [row[-1] for row in rows if row[:1] == ["transfer"]] == ["unchecked"]
    assert [row[-1] for row in rows if row[:1] == ["task"]] == ["incomplete"]
    why = "- Incomplete, and so not chosen from: task (S is missing, a SequentialAgent)."
    assert why in out.getvalue()


def test_runs_that_are_no_evidence_are_counted_as_runs():
    lacking = [["lacks 2"], []]
    runs = [
        run(name, trial=n, failed_checks=[] if n == 4 else lacking)
        for name in ("transfer", "task")
        for n in range(1, 5)
    ]

    # Of four trials under each of two constructs, three lack something.
    assert "(6 of 8 runs)" in describe_gaps(compared(*runs, trials=4).runs)


def test_one_reason_is_one_wherever_its_objects_lay():
    lacking = (f"lacks <Context object at {place}>" for place in ("0x7f1", "0xABC"))
    runs = [run(trial=n, failed_checks=[[reason]]) for n, reason in enumerate(lacking, start=1)]

    assert "lacks <Context object> (2 of 2 runs)" in describe_gaps(compared(*runs, trials=2).runs)


def test_no_runs_at_all_are_shown_without_a_fault():
    assert "0 constructs" in printed(compared())
    assert comparison_to_markdown(compared())
    assert comparison_to_data(compared())["runs"] == []


def test_several_trials_show_pass_k_with_its_interval():
    failed = [["lacks"], []]
    runs = [run(trial=1), run(trial=2, failed_checks=failed), run("task"), run("task", trial=2)]
    runs = [replace(run, controlled=False) for run in runs]
    text = printed(compared(*runs, trials=2, pace="gemini-2.5-flash"))

    rows = [" ".join(line.split()) for line in section(text, "Time, checks").splitlines()]
    assert "transfer 5.00 s 5.00 s 1.00 1 of 2 – 0 % (0–79)" in rows
    assert "task 5.00 s 5.00 s 1.00 2 of 2 2 of 2 100 % (21–100)" in rows


def test_winners_are_told_where_they_change():
    def winner(point, *names, figure="tokens"):
        return Winner("follow-ups", point, figure, list(names), {})

    winners = [
        *(winner(0, "router"), winner(1, "router")),
        winner(2, "transfer", "task", "router", "mixed", "loop"),
        *(winner(number, "task", figure="LLM calls") for number in (0, 1)),
        winner(0, "task", figure="critical path"),
    ]
    text = printed(replace(two_constructs(), winners=winners))

    assert " ".join(section(text, "Where the winner changes").split()) == (
        "- Fewest tokens by follow-ups: router at 0 to 1 follow-ups; transfer, task, router, "
        "mixed, loop at 2 follow-ups. - Throughout 0 to 1 follow-ups: fewest LLM calls (task)."
    )


def test_findings_are_counted_by_kind_serious_ones_first():
    def found(kind: Kind, level: Level = "notice"):
        return Finding(kind=kind, turn=1, agents=("A",), text="", records=(), level=level)

    leaks = [found("leak", "serious")] * 2
    runs = [run(findings=[found("dead_end"), *leaks]), run("task", findings=leaks)]

    assert section(printed(compared(*runs)), "Findings") == expected("""
        finding   level    total  by construct
        ────────────────────────────────────────────
        leak      serious  4      transfer 2, task 2
        dead end  notice   1      transfer 1
    """)


def test_a_finding_of_many_constructs_keeps_its_name_whole():
    finding = Finding(kind="hidden_conversation", turn=1, agents=("A",), text="", records=())
    text = printed(compared(*[run(name, findings=[finding]) for name in CONSTRUCTS]))

    assert f"hidden conversation  notice  {len(CONSTRUCTS)} " in text


def test_json_holds_figures_without_the_bulk():
    data = comparison_to_data(two_constructs())

    assert json.loads(json.dumps(data))["conversations"] == ["follow_up"]
    transfer, agent_tool = data["constructs"]
    assert transfer["difference_to_baseline"] == {"llm_calls": 0, "dollars": 0}
    assert agent_tool["difference_to_baseline"]["llm_calls"] == 3
    assert (agent_tool["tokens"], agent_tool["hidden_llm_calls"]) == (8000, 4)
    last = data["runs"][-1]
    assert not {"moves", "spans", "critical"} & last.keys()
    assert (last["passed"], last["failed_checks"]) == (False, [[], ["lacks the word tax"]])
    assert [turn["llm_calls"] for turn in last["turns"]] == [4, 4]
    assert data["recommendation"]
    assert data["caveats"]
    assert data["setting"]["baseline"] == "transfer"
