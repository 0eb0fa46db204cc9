"""A planted fact is found in any spelling; the oracle is a number's value, or the list of words."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from adk_flow.analysis.visibility.canaries import Planted
from adk_flow.log.schema import Part, Request
from adk_flow.scenario.conversation import Canary

amounts = st.decimals(0, 99999, places=2).map(lambda value: value.quantize(Decimal("0.01")))
signs = st.sampled_from(["", "£", "$", "€"])
ends = st.sampled_from(["", ".", ",", ";", " a month", "!", ")", "</b>"])
words = st.text("abcdé", min_size=1, max_size=4)
marks = st.sampled_from([" ", "  ", "\n", ", ", ". ", " - ", "-", "/", "** ", " (", ": "])


def is_found(canary, text):
    planted = Planted({1: text}, {"it": Canary(canary)})
    return planted.shown_in(Request(parts=(Part("user", "text", 1),))) == ["it"]


@st.composite
def spelt(draw, value):
    """Writes a number as somebody may."""
    grouped, padded = draw(st.booleans()), draw(st.integers(0, 3))
    text = f"{value:,}" if grouped else f"{value}"
    text = text.rstrip("0").rstrip(".") if padded == 0 else text + "0" * (padded - 1)
    return f"{draw(signs)}{text}"


@given(st.data(), amounts, amounts, st.booleans(), st.booleans())
def test_a_number_is_found_by_its_value(data, planted, said, is_same, is_share):
    said = planted if is_same else said
    canary, text = data.draw(spelt(planted)), data.draw(spelt(said))
    if is_share:
        canary += data.draw(st.sampled_from(["%", " %", " per cent"]))
        text += data.draw(st.sampled_from(["%", " %", " percent"]))

    assert is_found(canary, f"It is ({text}{data.draw(ends)}") == (said == planted)


@given(amounts.filter(bool))
def test_a_share_is_not_its_hundredth(value):
    assert not is_found(f"{value}%", f"It is {value / 100}.")
    assert is_found(f"{value}", f"It is {value}%.")


@given(st.data(), st.lists(words, min_size=2, max_size=4), st.booleans())
def test_words_are_found_whatever_stands_between_them(data, planted, is_same):
    said = planted if is_same else [*planted[:-1], "x", planted[-1]]

    def written(words):
        return "".join(word.title() + data.draw(marks) for word in words[:-1]) + words[-1].upper()

    text = f"zz {written(said)}, zz"
    assert is_found(written(planted), text) == is_same


def test_letters_with_points_are_found_without_them():
    assert is_found("UK's rate", "The U.K.s rate")
    assert not is_found("rate of 5", "rate of 50")
