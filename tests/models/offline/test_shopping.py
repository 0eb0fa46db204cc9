"""How the offline model reads shopping problems: all of one, or none of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adk_flow.models.offline.numerals import amount, numerals
from adk_flow.models.offline.purchases import Purchase
from adk_flow.models.offline.shopping import Store, UnclearError, read_bill
from adk_flow.models.offline.sums import shown, written_sum

BEYOND = {
    "I buy 3 pens at £1 each, but I already have one. Total?": "“1”",
    "3 pens at £1 each. The store adds sales tax of 8%. Total?": "“8%”",
    "3 pens were at £2 each but now cost £1 each. What do I pay?": "a quantity with its price",
    "Five friends each buy 3 pens at £1 each. Total?": "“5 friends”",
    "I buy 3 coffees at £2 each daily. What do I spend in a fortnight?": "“daily”",
    "I buy 3 pens at £1 each or 2 pads at £3 each. What do I pay?": "“or”",
    "3 pens at £1 each and a mug for £4, which I sent back. Total?": "“sent”",
    "3 pens at £1 each, 2 pads at £3 each. How much are the pads?": "or a part",
    "3 pens at £1 each, shipping £4. How much is it without shipping?": "“without”",
    "Store A: 3 pens at £1 each. Store B: 2 pads at £3 each. What is Store B?": "or a part",
    "3 pens at £1 each. What is that in dollars?": "“dollars”",
    "3 pens at £1 each and a voucher for £2. Total?": "“voucher”",
    "Store A: 3 pens at £1 each. Store B: 2 pads at £3 each. They charge £2 shipping.": "“they”",
    "At Boots 2 combs at £3 each; at Lush 3 soaps at £1 each. Both charge £2 shipping.": "“both”",
    "3 pens at £2 each. I pay with a £20 note. What do I get back?": "“£20 note”",
    "My budget is £30. I buy 4 books at £5 each. What is left?": "“£30”",
    "3 pens at £2 each minus a £1 gift card. Total?": "“£1 gift”",
    "A box of 12 pens costs £6. What do 3 pens cost?": "whether £6 is for one or for all 12",
    "Rent is £500 a month and I buy 2 chairs at £20 each. What is the total?": "“£500 a”",
    "3 pens at £2 each, shared by 2 people": "“2 people”",
    "2,5 kg of rice at £3 per kg": "a quantity with its price",
    "4 bags of 5 pens at £2 each": "“4 bags”",
    "3 pens at £2 each and 2 pens at 3€ each": "several currencies",
    "": "a quantity with its price",
    "-3 pens at £2 each and 2 cups at £1 each": "“-3”",
    "2 cups at £1 each, − 3 pens at £2 each": "“− 3”",
    "2 cups at £1 each, shipping -£4": "“-£4”",
    "2 cups at £1 each and negative 3 pens at £2 each": "“negative”",
    "0 pens for £4 in total": "whether £4 is for one or for all 0",
    "250 g of coffee at £4 and 2 filters at £3 each": "£4 is per g or for all 250 g of coffee",
    "250g coffee @ £4": "whether £4 is per g or for all 250 g coffee",
    "3 pints of beer at £4 each": "whether £4 is per pint or for all 3 pints of beer",
    "£4 each for 250 g of rice": "whether £4 is per g or for all 250 g of rice",
    "1 kg of potatoes at £2 each": "whether £2 is per kg or for all 1 kg of potatoes",
    "500 g of ham at £12 per kg": "“per kg”",
    "3 kg of tea at £2 per unit": "“per unit”",
    "1.5 kg of potatoes at £2 per potato": "“per potato”",
    "2 x 500ml bottles": "“500 ml”",
    "2 bottles x 500 ml and 2 cups at £1 each": "“500 ml”",
    "3 pens at £2 each and a deposit of £5. Total?": "“£5”",
    "3 pens at £2 each and the deposit at £5. Total?": "“deposit”",
    "3 pens at £2 each, no deposit. Total?": "“deposit”",
    "3 pens at £2 each: it all comes with a case. Total?": "“all”",
}


@pytest.mark.parametrize(("text", "reason"), BEYOND.items())
def test_a_text_with_something_that_has_no_place_is_not_read(text, reason):
    with pytest.raises(UnclearError) as raised:
        read_bill(text)

    assert reason in str(raised.value)


@pytest.mark.parametrize(
    ("text", "stores"),
    [
        ("3 pens at £1 each from Smiths, 2 pads at £5 each from Borders", ["Smiths", "Borders"]),
        ("At the first shop 3 pens at £1 each, in the second 2 at £5", ["First shop", "Second"]),
        ("Store 1: 3 pens at £1 each. Store 2: 2 pads at £5 each", ["Store 1", "Store 2"]),
        ("- Baker: 3 rolls at £1 each\n- Fish & Co: 2 trout at £5 each", ["Baker", "Fish & Co"]),
        ("I buy 3 pens at £1 each in May and I get 2 pads at £5 each", [""]),
        ("At Ede's: 3 pens at £1 each. From Ede's also 2 pads at £5 each", ["Ede's"]),
    ],
)
def test_stores_are_found_by_how_they_are_named(text, stores):
    bill = read_bill(text)

    assert [store.name for store in bill.stores] == stores
    counted = [one.count for store in bill.stores for one in store.purchases]
    assert counted == [3, 2]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("3 pads at £2 each, 0 pens at £2 each", "3 pads at £2 each, 0 pens at £2 each."),
        ("3 x £4.50 and 2 x £1.25", "3 at £4.50 each, 2 at £1.25 each."),
        ("the cost of 3 x £4.50", "3 at £4.50 each."),
        ("How much do 3 x £4 and 2 x £1 come to?", "3 at £4 each, 2 at £1 each."),
        ("tickets 2 x £5", "2 tickets at £5 each."),
        ("two £5 front-row tickets", "2 front-row tickets at £5 each."),
        ("1.5 kg of potatoes at £1.20 per kilo", "1.5 kg of potatoes at £1.20 per kg."),
        ("5 pounds of apples at $2 a pound", "5 pounds of apples at $2 per lb."),
        ("£1 per litre for 2 l of milk", "2 l of milk at £1 per litre."),
        ("3 sq m of turf at £5/square metre", "3 sq m of turf at £5 per square metre."),
        ("a kg of sugar at £2", "1 kg of sugar at £2."),
        ("250 g of coffee for £4 in total", "250 g of coffee for £4 in total."),
        ("3 pens at £2 each, 4 mats at £1 each, what does it all come to?",
         "3 pens at £2 each, 4 mats at £1 each."),
        ("3 pens at £2 each and 4 mats at £1 each: what does all of that cost",
         "3 pens at £2 each, 4 mats at £1 each."),
    ],
)  # fmt: skip
def test_a_bill_is_told_as_it_was_meant_and_read_as_the_same_again(text, told):
    bill = read_bill(text)
    (store,) = bill.stores

    assert store.told(bill.currency) == told
    assert read_bill(told) == bill


def test_none_of_a_thing_costs_nothing():
    (store,) = read_bill("3 pads at £2 each, 0 pens at £5 each").stores

    assert shown(store.total, "£") == "(£3 × £2) + (£0 × £5)"


def test_numbers_are_found_however_they_are_written():
    text = "£2.50, 45p, $3, 4 euros, twenty-one, 1,250.5, 3k, 20%, 5 pounds of tea, 50 cents"
    found = [(one.value, one.currency) for one in numerals(text)]

    assert found == [
        (2.5, "£"),
        (0.45, "£"),
        (3, "$"),
        (4, "€"),
        (21, ""),
        (1250.5, ""),
        (3000, ""),
        (20, "%"),
        (5, ""),
        (0.5, "$"),
    ]


prices = st.integers(1, 10**6).map(lambda pence: pence / 100)
things = st.builds(
    Purchase,
    st.sampled_from(["pens", "bars of soap", "T-shirts", "window boxes", "wool", "kg of rice"]),
    prices,
    st.integers(0, 5000).map(float),
)
charges = st.builds(Purchase, st.sampled_from(["shipping", "delivery fee", "postage"]), prices)
bills = st.lists(
    st.lists(things, min_size=1, max_size=4).flatmap(
        lambda bought: st.one_of(st.just(bought), charges.map(lambda charge: [*bought, charge]))
    ),
    min_size=1,
    max_size=4,
)


@given(bills, st.sampled_from("£$€"))
def test_what_is_written_down_is_read_as_the_same(purchases, currency):
    names = ["PaperWorld", "Store 2", "The Shed", "Ede's"]
    stores = [Store(name, bought) for name, bought in zip(names, purchases, strict=False)]
    bill = read_bill(" ".join(store.told(currency) for store in stores) + " What is the total?")

    assert bill.currency == currency
    assert [store.purchases for store in bill.stores] == [store.purchases for store in stores]


@given(st.text())
def test_no_text_breaks_the_reading(text):
    for read in (read_bill, written_sum):
        try:
            read(text)
        except UnclearError as unclear:
            assert str(unclear)


@pytest.mark.parametrize(
    ("text", "sum_"),
    [
        ("What is 12 times 7?", "12 × 7"),
        ("2 + 3 * 4", "2 + (3 × 4)"),
        ("(2 + 3) x 4", "(2 + 3) × 4"),
        ("2 ** 3 ** 2", "2 ^ (3 ^ 2)"),
        ("10 - 3 - 2", "(10 − 3) − 2"),
        ("subtract 3 from 10", "10 − 3"),
        ("Please add £1.50, £2 and £3.", "£1.50 + £2 + £3"),
        ("the square root of 16 plus 5 squared", "√16 + (5 ^ 2)"),
        ("-3 + 4", "-3 + 4"),
    ],
)
def test_written_sums_are_read_with_their_precedence(text, sum_):
    written = written_sum(text)

    assert written
    assert shown(written.sum, written.currency) == sum_


@pytest.mark.parametrize(
    "text",
    ["5", "20% of 50", "3 pens at £2", "£3 + $4", "1 +", "(1 + 2", "2 3", "divide 1, 2 and 3"],
)
def test_what_is_no_whole_sum_is_none(text):
    assert written_sum(text) is None


@pytest.mark.parametrize(
    ("value", "currency", "told"),
    [
        (1250.0, "£", "£1,250"),
        (2.5, "$", "$2.50"),
        (0.125, "£", "£0.1250"),
        (10 / 3, "£", "£3.33"),
        (0.000004, "", "0.000004"),
        (1e15, "", "1,000,000,000,000,000"),
    ],
)
def test_amounts_are_written_so_that_they_are_read_as_the_same(value, currency, told):
    assert amount(value, currency) == told
