"""The translation example: offline, by ADK's command, its tools, its benchmark and its page."""

import json
import re
import sys

import pytest

from adk_flow.check.snapshot import picture
from adk_flow.log.reader import read_log
from adk_flow.render.mermaid import sequence_diagram
from adk_flow.run.app import load_app
from adk_flow.run.conversation_run import run_conversation
from adk_flow.scenario.conversation import of_questions
from adk_flow.wiring.best_of import select
from adk_flow.wiring.selection import SelectionError, slate_of
from sub_agents.translators import PERSONAS, translators
from tests.doubles.flow import expected
from tests.doubles.pages import BIN, ROOT, Page, ran
from tools.translation_book import Edition, bare, foreign, looking_up, rendered
from tools.translation_checks import faults, faults_of, judged, likeness

PAGE = Page("docs/patterns/translation.md")
TRAIN = "The train to Munich leaves at 9:30 and a ticket costs 49.50 euros."
PLAIN = "Der Zug nach München fährt um 9:30 Uhr ab und eine Fahrkarte kostet 49,50 Euro."
INVOICE = "Good morning! The invoice from Hanna Becker has to be paid by Friday."


@pytest.fixture
def translation(tmp_path, monkeypatch):
    monkeypatch.setenv("MODEL_NAME", "offline")
    return load_app(ROOT / "examples" / "translation")


async def test_its_moves(translation, tmp_path):
    held = await run_conversation(translation, of_questions([TRAIN]), file=tmp_path / "log.jsonl")

    drawn = picture([move for move in held.moves if move.is_control])
    assert drawn[0] == "start user to translation"
    # Which of them comes back first is left open.
    assert set(drawn[1:8]) == set(
        expected("""
            translation -> Literal_Translator (node)
            translation -< Literal_Translator, Plain_Translator
            translation -> Plain_Translator (node)
            translation -> Free_Translator (node)
            translation <- Literal_Translator
            translation <- Plain_Translator
            translation <- Free_Translator
        """).splitlines()
    )
    assert drawn[8:] == [
        "translation >-",
        "translation -> Selector (node)",
        "translation <- Selector",
        "end translation to user",
    ]


async def test_the_selector_reads_what_its_tool_found_and_is_told_no_name(translation, tmp_path):
    held = await run_conversation(translation, of_questions([INVOICE]), file=tmp_path / "log.jsonl")

    log = read_log(tmp_path / "log.jsonl")
    asked = [one.request for one in log.records if one.request and one.agent == "Selector"]
    numbers = {part.text for request in asked for part in request.parts} | {asked[0].system}
    words = "\n".join(log.texts[number] for number in numbers if number)
    hidden = [one.name for one in translators()]
    hidden += [part for one in PERSONAS for part in (one.name, one.manner)]
    assert [one for one in hidden if one.casefold() in words.casefold()] == []
    assert [set(request.tools) for request in asked] == [
        {"check_candidates", "set_model_response"}
    ] * 2
    (found,) = [
        json.loads(one.text)
        for one in log.records
        if one.hook == "after_tool" and one.tool == "check_candidates"
    ]
    assert sorted(found["faults"].values()) == [[], [], ["left in English: be"]]
    (chosen,) = [move.text for move in held.moves if move.source == "Selector" and move.text]
    assert json.loads(chosen) == {"best": found["best"], "reason": found["summary"]}


async def test_translators_differ_in_persona_temperature_and_what_they_say(translation):
    team = translators()
    run = await select(translation, TRAIN)

    heats = [one.generate_content_config.temperature for one in team]
    assert heats == [0.0, 0.5, 1.0]
    assert len({one.instruction for one in team}) == 3
    assert set(run.candidates) == {one.name for one in team}
    assert len(set(run.candidates.values())) == 3
    assert (run.best, run.text) == ("Plain_Translator", PLAIN)


@pytest.mark.parametrize("number", [1, 2, 5, 7])
def test_there_may_be_any_number_of_translators(number):
    team = translators(number)

    assert len({one.name for one in team}) == number
    assert {(one.instruction, one.generate_content_config.temperature) for one in team}


async def test_what_the_phrase_book_knows_nothing_of_is_an_error(translation):
    with pytest.raises(SelectionError, match="translation has no candidate to choose from"):
        await select(translation, "Quantum chromodynamics fascinates physicists.")


async def test_the_majority_is_not_outvoted(translation):
    run = await select(translation, "Good morning! The bill for Peter Smith is 300 euros.")

    assert list(run.candidates.values()).count(run.text) == 2
    assert run.text.startswith("Guten Morgen!")
    assert "2 of 3 said just that" in run.reason


@pytest.mark.parametrize("sentence", ["I don't like it.", "I won't like it.", "I never like it."])
async def test_a_reversed_meaning_is_not_chosen(sentence, translation):
    run = await select(translation, f"Where is the station? {sentence}")

    assert re.search("nicht|nie|won't", run.text), run


@pytest.mark.parametrize(
    ("text", "german"), [("Hello", "Hallo"), ("Good night!", "Gute Nacht!"), ("Hi!", "Hallo!")]
)
async def test_greetings_are_known(text, german, translation):
    assert (await select(translation, text)).text == german


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("Bonjour tout le monde", "the phrase book knows none of these words"),
        ("Translate into French: Good morning!", "it translates into German only, not into French"),
    ],
)
def test_what_it_cannot_do_it_says_without_an_empty_answer(text, cause, tmp_path):
    said = ran([BIN / "adk", "run", "--in_memory", "examples/translation", text], tmp_path)

    assert f"translation has no candidate to choose from: {cause}\n" in said.stdout + said.stderr
    assert '""' not in said.stdout


def test_adk_run_translates(tmp_path):
    command = [BIN / "adk", "run", "--in_memory", "examples/translation", TRAIN]

    said = ran(command, tmp_path)

    assert said.returncode == 0, said.stderr
    assert f"[translation]: {PLAIN}\n\n(Plain_Translator, of 3: " in said.stdout


# The phrase book


def test_editions_are_good_at_different_things():
    assert rendered("The old bridge is sold out.", Edition.WORDS) == (
        "Der alt Brücke ist sold out.",
        ["sold", "out"],
    )
    assert rendered("The bridge is sold out, alas.", Edition.PHRASES) == (
        "Die Brücke ist ausverkauft, alas.",
        ["alas"],
    )
    assert rendered("The bridge is sold out, alas.", Edition.SENSE)[0] == (
        "Die Brücke ist ausverkauft,."
    )


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ("Translate 'Where is it?' into German.", "Where is it?"),
        ("Please translate into German: It's late.", "It's late."),
        ('translate: "Good morning"', "Good morning"),
        ("Translate Anna's letter by Friday.", "Translate Anna's letter by Friday."),
        ("  The bus.  ", "The bus."),
    ],
)
def test_what_only_asks_for_a_translation_is_taken_off(message, text):
    assert bare(message) == text


@pytest.mark.parametrize(
    ("message", "language"),
    [
        ("Translate into French: Good morning!", "French"),
        ("Could you translate this to spanish, please: It rains.", "Spanish"),
        ("Please translate 'Where is it?' into Italian.", "Italian"),
        ("Translate into English: Guten Tag!", "English"),
        ("Translate from French into German: It rains.", ""),
        ("Translate into German: He went to French: a lesson.", ""),
        ("Good morning! I speak French.", ""),
    ],
)
def test_a_language_that_is_not_german_is_refused(message, language):
    told = foreign(message)

    assert told == (f"it translates into German only, not into {language}" if language else "")


def test_a_text_is_looked_up_or_refused():
    look_up = looking_up(Edition.PHRASES)

    assert look_up("My name is Ada Lovelace.") == {
        "translation": "Mein Name ist Ada Lovelace.",
        "unknown": [],
    }
    assert look_up("Quarks.") == {
        "error": "the phrase book knows none of these words",
        "translation": "",
    }
    assert "error" in look_up(" ")


# The checks


@pytest.mark.parametrize(
    ("text", "translation", "found"),
    [
        (TRAIN, PLAIN, []),
        ("It costs 1,200.50 euros.", "Es kostet 1.200,50 Euro.", []),
        ("It costs 120 euros.", "Es kostet 102 Euro.", ["number 120 is missing", "102 was added"]),
        ("Three or 4 rooms.", "3 oder vier Zimmer.", []),
        ("Two rooms.", "Beide Zimmer.", []),
        ("Five rooms.", "Die Zimmer.", ["number 5 is missing"]),
        ("We leave at 5:30 pm.", "Wir gehen um 17:30 Uhr.", []),
        ("Where is it?", "Es ist dort.", ["a question became none"]),
        ("It rains. Come in. Sit.", "Es regnet. Setz dich.", ["a sentence is missing"]),
        ("It rains.", "Es regnet. Ja. Sehr.", ["sentences added"]),
        ("It rains.", "Es regnet (stark).", ["brackets or lines added"]),
        ("It rains a bit.", "Es regnet ein bisschen ein bisschen.", ["words said twice"]),
        ("A delicious cake.", "Ein delicious Kuchen.", ["left in English: delicious"]),
        ("He was a man.", "Was war er? Ein man.", ["became none"]),
        ("I don't like it.", "Ich mag es.", ["a negation is gone"]),
        ("It rains. I don’t like it.", "Es regnet nie. Ich mag es.", ["is gone", "was added"]),
        ("She has no time.", "Sie hat keine Zeit.", []),
        ("He never calls.", "Er ruft nie an.", []),
        ("It is not clear.", "Es ist unklar.", []),
        ("Take room No. 5.", "Nehmen Sie Zimmer Nr. 5.", []),
        ("I like it.", "Ich mag es nicht.", ["a negation was added"]),
        ("He is unable to come.", "Er kann nicht kommen.", []),
        ("I don't like it.", "Ich don't mag es.", ["left in English: don't"]),
        ("May I do it?", "May ich es do?", ["left in English: do, may"]),
        ("The bridge across the river is closed.", "Die Brücke.", ["much shorter"]),
        ("The bridge across the river is closed.", f"Die {'sehr ' * 3}alte " * 6, ["much longer"]),
    ],
)
def test_what_is_wrong_with_a_translation(text, translation, found):
    told = faults(text, translation)

    assert [one for one in found if not any(one in fault for fault in told)] == []
    assert bool(told) == bool(found)


def test_a_name_is_what_at_least_half_of_the_candidates_keep():
    texts = {"A": "Anna lebt in Schweden.", "B": "Anna lebt in Sweden.", "C": "Sie lebt dort."}

    found = faults_of(slate_of("There Anna lives in Sweden.", texts))

    assert found == {"A": [], "B": [], "C": ["Anna is missing"]}


def test_among_equals_the_one_most_like_the_others_is_chosen():
    texts = {"A": "Heute regnet es.", "B": "Es regnet heute.", "C": "Regen fällt."}
    slate = slate_of("It rains today.", texts)

    assert judged(slate).best in "AB"
    assert likeness("C", slate) < min(likeness("A", slate), likeness("B", slate))


@pytest.mark.parametrize("alone", [0, 1, 2])
def test_among_equals_what_most_said_is_chosen_wherever_it_is_shown(alone):
    texts = ["Es regnet heute."] * 3
    texts[alone] = "Heute regnet es."

    verdict = judged(slate_of("It rains today.", dict(zip("abc", texts, strict=True))))

    assert verdict.best == ("B" if alone == 0 else "A")
    assert verdict.reason.endswith(
        f"{verdict.best} is most like what all said, and 2 of 3 said just that."
    )


def test_a_tie_is_called_one_and_broken_by_the_texts_alone():
    texts = ["Es regnet heute.", "Heute regnet es."]
    slates = [slate_of("It rains today.", dict(zip("ab", one, strict=True)))
              for one in (texts, texts[::-1])]  # fmt: skip

    verdicts = [judged(slate) for slate in slates]

    chosen = {slate.texts[made.best] for slate, made in zip(slates, verdicts, strict=True)}
    assert len(chosen) == 1
    for made in verdicts:
        assert made.reason.endswith(
            f"A, B tie in likeness too, and a hash of the text took {made.best}."
        )


def test_half_a_surrogate_pair_can_tie():
    assert judged(slate_of("It rains.", {"a": "Es regnet \ud800", "b": "Regnet es \ud800"}))


def test_a_reversed_meaning_weighs_more_than_any_other_fault():
    texts = {"A": "Ich mögen es.", "B": "Ich won't like es, es, [sic]."}

    verdict = judged(slate_of("I won't like it.", texts))

    assert verdict.best == "B"
    assert "A: a negation is gone" in verdict.reason


# The benchmark


def benchmark(*arguments, folder):
    return ran([sys.executable, "benchmarks/selector.py", *arguments], folder)


# Its page


async def test_the_page_draws_what_happens(translation, tmp_path):
    held = await run_conversation(translation, of_questions([TRAIN]), file=tmp_path / "log.jsonl")

    assert PAGE.of("mermaid") == [sequence_diagram(held.moves)]


def test_the_pages_code_runs(tmp_path):
    done = PAGE.run_code(tmp_path)

    assert done.returncode == 0, done.stderr
    assert f"{PLAIN} Plain_Translator" in done.stdout
    assert done.stdout.count("critical path") == 2
