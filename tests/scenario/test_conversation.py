"""Conversation files: what they may hold, and one clear line for what they may not."""

import json

import pytest

from adk_flow.errors import AdkFlowError
from adk_flow.scenario.conversation import (
    AskedTurn,
    Conversation,
    Near,
    failed_checks,
    read_conversation,
    read_state,
    write_conversation,
)
from adk_flow.scenario.yaml_file import MOST_BYTES


def written(folder, text):
    path = folder / "talk.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_conversation_reads_as_turns_with_checks(tmp_path):
    path = written(
        tmp_path,
        """
about: One question.
turns:
  - say: What does it cost?
    specialist: Loans
    contains: [month]
    absent: [year]
    numbers:
      - value: 1389.58
        tolerance: 0.01
canaries:
  loans: code word heron
""",
    )

    talk = read_conversation(path)

    assert talk.turns == [
        AskedTurn(
            say="What does it cost?",
            specialist="Loans",
            contains=["month"],
            absent=["year"],
            numbers=[Near(1389.58, 0.01)],
        )
    ]
    assert talk.canaries == {"loans": "code word heron"}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "is empty; expected turns"),
        ("turns: []", "line 1: turns is empty; expected at least one"),
        ("turns:\n  - say: [1]\n", "line 2: turns[0].say: expected text, got a list"),
        ("turns:\n  - say: a\n  - says: b\n", "line 3: turns[1]: unknown field `says`"),
        ("turns:\n  - say: a\n    numbers:\n      - value: x\n", "line 4: turns[0].numbers[0]"),
        ("about: 1\nturns: [", "line 2: no YAML: "),
        ("turns: [{say: Really?}]", "got '?'; indent alike, by spaces, and quote text that holds"),
        (
            "turns: [say: a]\nstate: [topic]",
            "line 2: state: expected names with values, got a list",
        ),
        ("turns: [say: a]\nstate: {1: cats}", "line 2: state: "),
        ("turns:\n  - say: a\n    numbers: [{value: .nan}]", "line 3: turns[0].numbers[0].value: "),
        ("turns:\n  - numbers: [{value: 1, tolerance: -1}]", "line 2: turns[0].numbers[0].toleran"),
        ("turns: [say: a, plan: [{agent: a, tools: [{name: b, seconds: -3}]}]]", "seconds: expect"),
        ("about: a\nturns:\0", "line 2: character U+0000 cannot stand in YAML; save the file as"),
        ("just words", "line 1: expected names with values, got text"),
        ("turns:\n\t- say: a", "line 2: no YAML: found character '\\t'"),
        (
            "turns:\n  - say: a\n    contains: [b]\n    contains: [c]\n",
            "line 4: 'contains' stands twice, first on line 3",
        ),
        ('{"turns": [{"say": "a", "s\\u0061y": "b"}]}', "line 1: 'say' stands twice"),
        ("turns: [say: a]\ncanaries: {1: a,\n 0x1: b}", "line 3: '0x1' stands twice, first on"),
        ('"a\\nb": 1\n"a\\nb": 2', r"line 2: 'a\nb' stands twice"),
    ],
)
def test_a_wrong_file_is_refused_by_file_and_line(tmp_path, text, reason):
    path = written(tmp_path, text)

    with pytest.raises(AdkFlowError) as error:
        read_conversation(path)

    assert str(error.value).startswith(f"{path}: ")
    assert reason in str(error.value)
    assert "\n" not in str(error.value)


def test_what_an_anchor_gives_may_stand_again(tmp_path):
    path = written(
        tmp_path,
        """
turns:
  - &first {say: "Cost?", contains: [month]}
  - {<<: *first, say: "And in all?"}
  - *first
""",
    )

    first, second, third = read_conversation(path).turns

    assert (second.say, second.contains) == ("And in all?", ["month"])
    assert third == first


def test_a_missing_or_binary_file_is_refused(tmp_path):
    with pytest.raises(AdkFlowError, match="No such file"):
        read_conversation(tmp_path / "none.yaml")
    path = tmp_path / "b.yaml"
    path.write_bytes(b"about: x\n# caf\xe9")
    with pytest.raises(AdkFlowError, match="line 2: is not UTF-8; save the file as UTF-8"):
        read_conversation(path)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("turns: &a\n  - *a\n", "line 1: an alias stands for what it is itself a part of"),
        (
            "a0: &a0 [x, x]\n"
            + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 40)),
            "line 19: aliases stand for over 1,000,000 values",
        ),
        ("turns: " + "[" * 5000 + "]" * 5000, "is nested too deeply; expected turns"),
        ("turns: 1" + ":59" * 200, "line 1: a number has over 400 digits"),
        ("turns: " + "x" * MOST_BYTES, "has over 10,000,000 bytes; expected turns"),
    ],
)
def test_a_file_that_would_take_all_memory_is_refused_in_a_line(text, reason, tmp_path):
    path = tmp_path / "c.yaml"
    path.write_text(text)

    with pytest.raises(AdkFlowError) as refused:
        read_conversation(path)

    assert str(refused.value) == f"{path}: {reason}"


DEEP = [f'{{"a":{"[" * n}1{"]" * n}}}' for n in (100, 900, 5000)]


@pytest.mark.parametrize("text", [*DEEP, '{"a": ' + "9" * 5000 + "}"])
def test_a_state_that_cannot_be_copied_or_shown_is_refused(text):
    with pytest.raises(AdkFlowError, match="is nested too deeply, or has a number of too many"):
        read_state(text)


def test_what_yaml_cannot_hold_is_refused():
    deep = Conversation(turns=[AskedTurn(say="Hi")], state=json.loads(DEEP[1]))

    with pytest.raises(AdkFlowError, match="nested too deeply for YAML"):
        write_conversation(deep)


@pytest.mark.parametrize(
    "said",
    [
        "Two\nlines:\n\n  - indented #no comment\n",
        "\n  \n leading",
        "a\x85b\nc",
        "a\u2028b\nc\r\nd\t\n\n",
        "---\n...\n%x",
    ],
)
def test_what_is_written_is_read_again_whatever_its_lines(said, tmp_path):
    text = write_conversation(Conversation(turns=[AskedTurn(say=said)]))

    assert read_conversation(written(tmp_path, text)).turns[0].say == said


@pytest.mark.parametrize(
    ("answer", "failed"),
    [
        ("It costs £1,389.58 a month.", []),
        ("It costs 1389.575 a Month", []),
        ("It costs £1,389.68 a month.", ["has no number within 0.01 of 1,389.58"]),
        ("A year: 1,389.58", ["lacks 'month'", "holds 'year'"]),
    ],
)
def test_an_answer_is_checked_for_words_and_numbers(answer, failed):
    turn = AskedTurn(say="?", contains=["month"], absent=["year"], numbers=[Near(1389.58, 0.01)])

    assert failed_checks(turn, answer, answer, []) == failed


def test_a_whole_number_that_is_missing_is_written_as_one():
    turn = AskedTurn(say="?", numbers=[Near(3000)])

    assert failed_checks(turn, "30", "30", []) == ["has no number within 0.005 of 3,000"]


def test_the_specialist_must_have_taken_part():
    turn = AskedTurn(say="?", specialist="Loans")

    assert failed_checks(turn, "", "", ["Root", "Loans"]) == []
    assert failed_checks(turn, "", "", ["Root"]) == ["Loans took no part"]
