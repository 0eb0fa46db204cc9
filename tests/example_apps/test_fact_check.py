"""The checks of a piece by code: figures, sources, style, and the cut to a length."""

import re
from pathlib import Path

import msgspec
import pytest

from tools.figures import borne_out, fact_faults, figures, unknown_figures
from tools.guidance import SUBJECTS, load_passages
from tools.style import LONGEST, count_words, cut_to, first_sentences, style_faults

ISA = {
    "title": "ISAs: the yearly limit",
    "text": "You may pay £20,000 into ISAs in 2026/27. A quarter goes at 10 or 20 per cent.",
    "tax_year": "2026/27",
    "source": "GOV.UK: Individual Savings Accounts (ISAs)",
}
PENSION = {
    "title": "The annual allowance",
    "text": "The most is £60,000 in a year, or £1.5 million in 25 years.",
    "tax_year": "2026/27",
    "source": "HMRC Pensions Tax Manual",
}
BOTH = [ISA, PENSION]
CITED = "(GOV.UK: Individual Savings Accounts (ISAs), tax year 2026/27)"
FOLDER = Path(__file__).parents[2] / "tools" / "passages"
GUIDANCE = [
    msgspec.to_builtins(passage)
    for subject in SUBJECTS.values()
    for passage in load_passages(FOLDER / subject.file)
]


def cited(passage, text=None):
    return f"{text or passage['text']} ({passage['source']}, tax year {passage['tax_year']})"


# Figures


@pytest.mark.parametrize("passage", GUIDANCE, ids=lambda one: one["id"])
def test_every_passage_of_the_desk_bears_itself_out(passage):
    assert fact_faults(cited(passage), [passage]) == []


@pytest.mark.parametrize("passage", GUIDANCE, ids=lambda one: one["id"])
def test_every_sum_of_the_desk_is_caught_once_it_is_changed(passage):
    for sum_ in re.finditer(r"£\d", passage["text"]):
        changed = f"{passage['text'][: sum_.end()]}9{passage['text'][sum_.end() :]}"
        assert fact_faults(cited(passage, changed), [passage])


@pytest.mark.parametrize(
    ("written", "kind", "value"),
    [
        ("£20,000", "£", 20_000),
        ("20,000 pounds", "£", 20_000),
        ("£20k", "£", 20_000),
        ("twenty thousand pounds", "£", 20_000),
        ("£1.5 million", "£", 1_500_000),
        ("a million pounds", "£", 1_000_000),
        ("4.5%", "%", 4.5),
        ("4.5 per cent", "%", 4.5),
        ("twenty per cent", "%", 20),
        ("a quarter", "%", 25),
        ("half of it", "%", 50),
        ("35 years", "year", 35),
        ("five years", "year", 5),
        ("a five-year term", "year", 5),
        ("7 working days", "day", 7),
        ("seven working days", "day", 7),
        ("18-month", "month", 18),
        ("two weeks", "week", 2),
        ("30 years old", "", 30),
        ("the 2027 tax year", "", 2027),
        ("fifty-five cases", "", 55),
        ("a dozen claims", "", 12),
        ("half a dozen claims", "", 6),
        ("a third of it", "%", 33.333333),
        ("two thirds", "%", 66.666667),
        ("three-fifths", "%", 60),
        ("nine in ten", "%", 90),
        ("9 out of 10", "%", 90),
        ("twice your salary", "times", 2),
        ("4.5 times your salary", "times", 4.5),
        ("millions of people", "of", "millions"),
        ("twenty-five per cent", "%", 25),
        ("2026/27", "/", "2026/27"),
    ],
)
def test_a_figure_is_read_however_it_is_written(written, kind, value):
    assert [figure.key for figure in figures(written)] == [(kind, value)]


@pytest.mark.parametrize("range_", ["18 or 24 per cent", "18 to 24%", "18% and 24%", "18–24%"])
def test_a_figure_has_the_unit_that_it_shares_with_the_next(range_):
    assert [figure.key for figure in figures(range_)] == [("%", 18), ("%", 24)]


@pytest.mark.parametrize("range_", ["five to 10 years", "5 or ten years", "5–10 years"])
def test_a_figure_has_the_period_that_it_shares_with_the_next(range_):
    assert [figure.key for figure in figures(range_)] == [("year", 5), ("year", 10)]


@pytest.mark.parametrize(
    "words",
    [
        "There are two ways.",
        "B2 and ISA2",
        "on the one hand",
        "a third party",
        "one day",
        "think twice",
        "",
    ],
)
def test_what_is_no_figure_is_not_read_as_one(words):
    assert figures(words) == []


@pytest.mark.parametrize("told", ["£20,000", "20 per cent", "10%", "25%", "a quarter", "£20k"])
def test_a_figure_of_the_research_passes(told):
    assert fact_faults(f"It is {told}. {CITED}", BOTH) == []


@pytest.mark.parametrize("invented", ["£25,000", "£20,000.50", "15%", "20", "£20", "2025/26"])
def test_an_invented_figure_is_caught(invented):
    (fault,) = fact_faults(f"It is {invented}. {CITED}", BOTH)

    assert fault == f"{invented} stands nowhere in the research: take it out."


def test_an_invented_tax_year_of_a_source_is_caught():
    draft = "It is £20,000. (GOV.UK: Individual Savings Accounts (ISAs), tax year 2025/26)"

    assert fact_faults(draft, BOTH) == ["2025/26 stands nowhere in the research: take it out."]


@pytest.mark.parametrize(
    "invented",
    [
        "twice your salary",
        "double your money",
        "Nine in ten people",
        "A third of claims",
        "Two thirds",
        "three-fifths",
        "A dozen claims",
        "seven working days",
        "7 working days",
        "fifty-five cases",
        "Millions of people",
        "25 months",
        "25 weeks",
        "25",
    ],
)
def test_an_invented_figure_in_words_is_caught(invented):
    (fault,) = fact_faults(f"It is so: {invented}. {CITED} (HMRC Pensions Tax Manual)", BOTH)

    assert fault.endswith(" stands nowhere in the research: take it out.")
    assert fault.partition(" stands")[0] in invented


def test_a_period_of_another_length_is_caught():
    passage = {**ISA, "text": "It is £120,000 for 6 months."}

    assert fact_faults(f"It is £120,000 for six months. {CITED}", [passage]) == []
    assert fact_faults(f"It is £120,000 for 6 years. {CITED}", [passage]) == [
        "6 years stands nowhere in the research: take it out."
    ]


def test_a_figure_under_another_source_is_caught():
    assert fact_faults(f"It is £60,000. {CITED}", BOTH) == [
        "£60,000 lacks its source in the same paragraph: HMRC Pensions Tax Manual."
    ]


def test_unknown_figures_are_listed_as_they_are_written():
    assert unknown_figures("£20,000 now, £30k then, 12% later", BOTH) == ["£30k", "12%"]


# Sources


@pytest.mark.parametrize(
    "sources",
    [
        CITED,
        "(GOV.UK: Individual Savings Accounts (ISAs))",
        "(gov.uk: individual savings accounts (ISAs), 2026/27).",
        f"{CITED[:-1]}; HMRC Pensions Tax Manual, tax year 2026/27)",
        "\nSources: HMRC Pensions Tax Manual; GOV.UK: Individual Savings Accounts (ISAs).",
    ],
)
def test_a_source_of_the_research_passes(sources):
    assert fact_faults(f"According to GOV.UK it is £20,000. {sources}", BOTH) == []


@pytest.mark.parametrize(
    "invented",
    [
        "(Financial Times: Saving, tax year 2026/27)",
        "(GOV.UK: Premium Bonds)",
        "(The Money Blog)",
        f"See https://example.com/isa. {CITED}",
        f"According to the Daily Mail, it is. {CITED}",
        f"So it is (FCA: the limit) today. {CITED}",
        "\nSource: Which? Money",
        f"It is so [Bank of England]. {CITED}",
        f"It is so [Bank of England] today. {CITED}",
        f"It is so (as the Bank of England says) today. {CITED}",
        f"As reported by the BBC, it is. {CITED}",
        f"The Bank of England confirms it. {CITED}",
        f"The Bank of England reports that it is. {CITED}",
        f"Bank of England data show it. {CITED}",
        f"Martin Lewis has said so. {CITED}",
        f"It is so, see evil.example for more. {CITED}",
        f"It is so at fscs.org.uk/limits. {CITED}",
        f"It is so: www.example.com. {CITED}",
    ],
)
def test_an_invented_source_is_caught(invented):
    faults = fact_faults(f"It is so. {invented}", BOTH)

    assert [fault for fault in faults if fault.endswith("is no source of the research.")]


def test_a_source_that_is_reported_is_named_once():
    assert fact_faults(f"As reported by the BBC, it is. {CITED}", BOTH) == [
        "“BBC” is no source of the research."
    ]


def test_a_bracket_within_a_sentence_is_no_source():
    assert fact_faults(f"An ISA (a kind of account) is free of tax. {CITED}", BOTH) == []


@pytest.mark.parametrize(
    "words",
    [
        "GOV.UK says so.",
        "HMRC confirms it.",
        "As GOV.UK states, it is.",
        "It says that it is, e.g. in April, i.e. now.",
        "They said so. Your provider confirms it.",
        "ISA claims are paid, and Pension Credit claims too.",
        "Bank of England notes are money.",
        "Funds recommended by a friend, and Savings found in a drawer, are yours.",
        "It is [so] today.",
    ],
)
def test_words_that_name_no_other_source_pass(words):
    assert fact_faults(f"{words} {CITED}", BOTH) == []


def test_a_source_that_a_passage_quotes_passes():
    passage = {**ISA, "text": "The Bank of England says that it is free: see bank.example."}

    assert fact_faults(cited(passage), [passage]) == []


def test_what_the_research_does_not_bear_out_is_taken_out():
    good = f"You may pay £20,000. {CITED}"
    mixed = f"You may pay £20,000. Nine in ten people do. The BBC says so. {CITED}"

    assert borne_out(f"{mixed}\n\nIt is so.\n\nNo more (The Guess).", BOTH) == good
    assert borne_out(good, BOTH) == good
    assert borne_out("It is £20,000.", BOTH) == ""


def test_a_paragraph_without_a_source_is_caught():
    assert fact_faults(
        f"An ISA is free of tax. {CITED}\n\nSo is nothing else in the world.", BOTH
    ) == ["The paragraph “So is nothing else in…” names no source: give it in brackets."]


# Style


LONG = "\n\n".join(f"{'One two three four five. ' * 12}{CITED}" for _ in range(2))


def test_a_piece_may_be_as_long_as_allowed_its_sources_not_counted():
    fitting = f"{'One two three four five. ' * (LONGEST // 5)}{CITED}"

    assert count_words(fitting) == LONGEST
    assert style_faults(fitting) == []
    assert style_faults(LONG) == [f"It is too long: cut it to {LONGEST} words."]


@pytest.mark.parametrize(
    ("broken", "fault"),
    [
        ("Too few words.", "It is too short"),
        ("word " * 46, "The sentence “word word word word…” is too long"),
        ("One two three four five! " * 7, "It has an exclamation mark"),
        ("# Title\n\n" + "One two three four five. " * 7, "It has a heading or a list"),
        ("- One two three four five.\n" * 7, "It has a heading or a list"),
    ],
)
def test_what_breaks_the_rules_is_named(broken, fault):
    assert [one for one in style_faults(broken) if one.startswith(fault)]


def test_a_cut_leaves_out_last_sentences_and_keeps_sources():
    cut = cut_to(LONG, LONGEST)

    assert count_words(cut) == LONGEST
    assert cut.count(CITED) == 2
    assert style_faults(cut) == []
    assert cut_to(cut, LONGEST) == cut


def test_a_cut_keeps_a_sentence_of_each_paragraph():
    assert (
        cut_to(LONG, 1) == f"One two three four five. {CITED}\n\nOne two three four five. {CITED}"
    )
    assert first_sentences(LONG) == ["One two three four five."] * 2
    assert cut_to("", 5) == ""
