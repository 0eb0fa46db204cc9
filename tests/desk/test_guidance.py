"""The look-up tools: the right passage for a plain question, none for a question about cats.

The questions were written once the look-up had been tuned on others.
"""

import re
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from google.adk.tools import FunctionTool
from hypothesis import given
from hypothesis import strategies as st

from tools import guidance
from tools.guidance import (
    closest,
    load_passages,
    look_up_investments,
    look_up_mortgages,
    look_up_pensions,
)

PASSAGES = Path(guidance.__file__).parent / "passages"
QUESTIONS = Path(__file__).with_name("guidance_questions.txt")
LOOK_UPS = [look_up_mortgages, look_up_investments, look_up_pensions]


class Asked(NamedTuple):
    """A question, with the passage that answers it."""

    subject: str
    question: str
    answer: str
    is_missed: bool
    """The best passage is another one, or none."""


def read_questions() -> tuple[list[Asked], list[str]]:
    """Reads the questions, those that are known to be missed marked `!`, and those off topic."""
    *subjects, off_topic = re.split(r"^# ", QUESTIONS.read_text("utf-8"), flags=re.MULTILINE)[1:]
    lines = [(part.split("\n")[0], line) for part in subjects for line in part.split("\n")[1:]]
    pairs = [(subject, *line.partition(": ")[::2]) for subject, line in lines if line]
    asked = [Asked(s, question, answer.lstrip("!"), "!" in answer) for s, answer, question in pairs]
    return asked, off_topic.splitlines()[1:]


LOOKED_UP, OFF_TOPIC = read_questions()


@pytest.mark.parametrize("asked", LOOKED_UP, ids=lambda asked: asked.question)
def test_the_best_passage_is_the_one_that_answers(asked: Asked):
    found = [passage.id for passage in closest(asked.subject, asked.question)]
    is_first = found[:1] == [asked.answer]
    assert is_first != asked.is_missed, "found now: take off its mark" if is_first else found


def test_most_questions_find_their_passage_first():
    # 86 of 103 when this was written.
    assert sum(asked.is_missed for asked in LOOKED_UP) <= 0.2 * len(LOOKED_UP)
    assert len({asked.answer for asked in LOOKED_UP}) > 90


@pytest.mark.parametrize("question", OFF_TOPIC)
def test_a_question_about_something_else_is_declined(question: str):
    for look_up in LOOK_UPS:
        answer = look_up(question)
        assert list(answer) == ["error"]
        assert "no guidance on" in answer["error"]
        assert "it covers" in answer["error"]


def test_the_summary_is_the_best_passage_with_its_source():
    answer = look_up_pensions("How much State Pension will I get each week?")
    best = answer["passages"][0]
    assert list(best) == ["title", "text", "tax_year", "source"]
    assert 1 <= len(answer["passages"]) <= 3
    assert "£241.30 a week" in best["text"]
    assert answer["summary"] == (
        f"{best['text']} (GOV.UK: The new State Pension, tax year 2026/27)"
    )


@pytest.mark.parametrize("look_up", LOOK_UPS)
@pytest.mark.parametrize("question", ["", "  ", None, 3, True, ["why?"], "x" * 2_001])
def test_what_is_no_question_is_answered_with_a_sentence(look_up: Any, question: Any):
    assert "question must be a text of 1 to 2,000 characters" in look_up(question)["error"]


@given(st.one_of(st.text(st.characters()), st.integers(), st.none()))
def test_no_question_raises(question: Any):
    answer = look_up_mortgages(question)
    assert "error" in answer or "summary" in answer


def test_many_threads_build_the_index_once(monkeypatch: pytest.MonkeyPatch):
    read: list[Path] = []

    def load_and_count(path: Path) -> tuple[guidance.Passage, ...]:
        read.append(path)
        return load_passages(path)

    monkeypatch.setattr(guidance, "load_passages", load_and_count)
    guidance._build_index.cache_clear()
    together = threading.Barrier(8)

    def ask(_: int) -> str:
        together.wait()
        return look_up_investments("How do index funds work?")["summary"]

    with ThreadPoolExecutor(8) as threads:
        answers = set(threads.map(ask, range(8)))
    assert len(answers) == 1
    assert len(read) == 1


@pytest.mark.parametrize("file", [subject.file for subject in guidance.SUBJECTS.values()])
def test_the_passages_are_complete(file: str):
    passages = load_passages(PASSAGES / file)
    assert len(passages) >= 22
    assert len({passage.title for passage in passages}) == len(passages)
    for passage in passages:
        assert 40 <= len(passage.text.split()) <= 90, passage.id
        assert passage.tax_year == "2026/27"
        assert passage.checked == date(2026, 11, 21)


GOOD = {
    "id": "isas",
    "title": "ISAs",
    "text": "Save free of tax.",
    "tax_year": "2026/27",
    "source": "GOV.UK",
    "checked": "2026-11-21",
}


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"title": None}, r"broken.yaml, entry 1 \(isas\).*\$\.title"),
        ({"text": " "}, r"entry 1 \(isas\).*\$\.text"),
        ({"tax_year": "2026"}, r"\$\.tax_year"),
        ({"checked": "yesterday"}, r"\$\.checked"),
        ({"author": "me"}, "author"),
        ({"id": 3}, r"entry 1 \(3\).*\$\.id"),
    ],
)
def test_a_broken_file_names_file_entry_and_field(
    tmp_path: Path, change: dict[str, Any], error: str
):
    lines = [f"{name}: {value!r}" for name, value in (GOOD | change).items()]
    broken = tmp_path / "broken.yaml"
    broken.write_text("- " + "\n  ".join(lines).replace("None", "null"), encoding="utf-8")
    with pytest.raises(ValueError, match=error):
        load_passages(broken)


@pytest.mark.parametrize(
    ("content", "error"),
    [
        ("[", "broken.yaml is not YAML"),
        ("", "must hold a list of passages"),
        ("- just words", r"entry 1 \(no id\)"),
        ("- {id: isas}", r"entry 1 \(isas\).*\$\.title"),
    ],
)
def test_a_file_that_is_no_list_of_passages(tmp_path: Path, content: str, error: str):
    broken = tmp_path / "broken.yaml"
    broken.write_text(content, encoding="utf-8")
    with pytest.raises(ValueError, match=error):
        load_passages(broken)


def test_two_passages_of_one_id(tmp_path: Path):
    entry = "- " + "\n  ".join(f"{name}: {value!r}" for name, value in GOOD.items())
    twice = tmp_path / "twice.yaml"
    twice.write_text(f"{entry}\n{entry}\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"entry 2 \(isas\): the field `id` is not unique"):
        load_passages(twice)


def test_adk_declares_three_tools_of_distinct_names():
    declarations = [FunctionTool(look_up)._get_declaration() for look_up in LOOK_UPS]
    assert [declaration.name for declaration in declarations if declaration] == [
        "look_up_mortgages",
        "look_up_investments",
        "look_up_pensions",
    ]
    for declaration in declarations:
        assert declaration is not None
        schema: Any = declaration.parameters_json_schema
        assert schema["required"] == ["question"]
        assert schema["properties"]["question"]["type"] == "string"
