"""The look-up tools: the right passage for a plain question, none for a question about cats.

The questions were written once the look-up had been tuned on others.
"""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import Any

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
LOOK_UPS = [look_up_mortgages, look_up_investments, look_up_pensions]

ANSWERED_BY = {
    "mortgages": [
        ("fixed_or_tracker", "Should I go for a two year fix?"),
        ("standard_variable_rate", "Why has my payment jumped after the introductory period?"),
        (
            "loan_to_value_bands",
            "I owe 180,000 on a home worth 200,000, how does that affect the rate I'm offered?",
        ),
        ("deposit", "Is ten percent enough for a deposit?"),
        ("gifted_deposit", "Can my aunt give me cash for the down payment?"),
        ("affordability_tests", "Will my car loan reduce how much I can borrow?"),
        ("fees", "What does an arrangement fee cost?"),
        ("overpaying", "I got a bonus at work, can I use it to reduce the mortgage?"),
        ("remortgaging", "Is it worth switching my mortgage to a cheaper bank?"),
        ("product_transfer", "How do I do a product transfer with my existing lender?"),
        ("agreement_in_principle", "Does a mortgage in principle hurt my credit file?"),
        ("credit_history", "I have a default from three years ago, will any lender accept me?"),
        ("self_employed", "I'm a company director, how will a lender treat my dividends?"),
        (
            "joint_borrower_sole_proprietor",
            "My dad wants to be on my mortgage, does he need legal advice?",
        ),
        (
            "buying_together",
            "My girlfriend and I are putting in different amounts, how do we protect our shares?",
        ),
        ("buy_to_let", "Does the rent have to cover the mortgage on a buy to let?"),
        ("leasehold", "Only 68 years are left on the lease, is that a problem?"),
        ("shared_ownership", "Can I buy more shares of my shared ownership home later?"),
        ("interest_only", "Would an interest-only mortgage be cheaper each month?"),
        ("offset", "I have lots of savings, would an offset mortgage suit me?"),
        ("porting", "Can I port my mortgage if I sell my home?"),
        ("insurance", "Must I take out life insurance to get a mortgage?"),
        ("falling_behind", "I have been made redundant and will miss a mortgage payment"),
        ("first_homes", "What support is there for first-time buyers from the government?"),
        ("lifetime_isa", "Can a Lifetime ISA be used for a £500,000 house?"),
        ("stamp_duty", "What are the bands of stamp duty?"),
        ("stamp_duty_first_time", "Is stamp duty free for first-time buyers?"),
        (
            "stamp_duty_surcharges",
            "If I keep my old house and buy another, is there extra stamp duty?",
        ),
        ("conveyancing", "How much do conveyancing solicitors charge?"),
        ("surveys", "What is the difference between a level 2 and level 3 survey?"),
        ("mortgage_term", "Would a 40 year term cost me a lot more interest?"),
        ("mortgage_brokers", "Do mortgage brokers charge a fee?"),
        ("equity_release", "Can I release equity from my house at 60?"),
        ("borrowing_more", "How can I borrow against my house for an extension?"),
    ],
    "investments": [
        ("isas", "What is the ISA limit for 2026/27?"),
        ("cash_isa_change", "Will people under 65 be able to save less in cash ISAs?"),
        ("isa_transfers", "How long does it take to transfer an ISA?"),
        ("lifetime_isa", "What do I lose if I withdraw from a Lifetime ISA at 45?"),
        ("junior_isa", "When can my child get the money in a Junior ISA?"),
        ("funds", "How do mutual funds work?"),
        ("index_trackers", "Do index funds beat active managers?"),
        ("etfs", "Can I hold ETFs inside an ISA?"),
        ("shares", "Do I pay stamp duty when I buy UK shares?"),
        ("bonds_and_gilts", "Is there tax on gilts?"),
        ("diversification", "Should all my money be in my employer's shares?"),
        ("risk", "How much could my investments fall in a bad year?"),
        ("time_horizon", "Is two years long enough to invest in shares?"),
        ("charges", "Is a 1% charge a lot?"),
        ("drip_feeding", "I have £50,000 to invest, put it in at once or spread it out?"),
        ("dividend_tax", "What rate of tax do higher-rate taxpayers pay on dividends?"),
        ("capital_gains_tax", "Can I offset losses against capital gains?"),
        ("savings_tax", "What is the personal savings allowance for a higher-rate taxpayer?"),
        ("platforms", "Is a flat fee platform cheaper than a percentage one?"),
        ("fscs", "I sold my house and have £300,000 in the bank, is it covered by the FSCS?"),
        ("emergency_fund", "Should I clear my credit card before I invest?"),
        ("inflation", "Will my savings keep up with rising prices?"),
        ("premium_bonds", "What is the most I can hold in Premium Bonds?"),
        ("compound_growth", "What will £1,000 become with compound interest?"),
        ("rebalancing", "My mix has drifted to 80% shares, how do I put it back?"),
        ("vct_eis", "How long must I hold VCT shares?"),
        ("scams", "A celebrity advert promises high returns, is it a scam?"),
        ("crypto", "Is cryptocurrency protected if the exchange fails?"),
        ("ethical_investing", "How do I choose a sustainable fund?"),
        ("financial_advice", "How much does a financial adviser cost?"),
        ("getting_started", "What is a sensible first investment for a beginner?"),
        ("bed_and_isa", "Can I transfer shares I hold straight into an ISA?"),
        ("market_falls", "Should I sell when the stock market crashes?"),
        ("investment_trusts", "Can investment trusts borrow money?"),
        ("property_investing", "What is a REIT and is it better than being a landlord?"),
    ],
    "pensions": [
        (
            "workplace_pension",
            "What is the difference between a workplace pension and saving on my own?",
        ),
        ("auto_enrolment", "Am I automatically enrolled if I earn £9,000?"),
        ("defined_benefit", "What happens to a final salary pension if the firm goes bust?"),
        ("personal_pension", "Can I set up a stakeholder pension?"),
        ("sipp", "Should I use a SIPP to choose my own funds?"),
        ("tax_relief", "I put £80 into my pension, how much tax relief is added?"),
        ("annual_allowance", "What happens if I pay in more than £60,000?"),
        (
            "tapered_annual_allowance",
            "My adjusted income is £290,000, what does that do to my allowance?",
        ),
        ("carry_forward", "How far back can I use unused annual allowance?"),
        ("mpaa", "I've started drawing my pension flexibly, how much can I still contribute?"),
        ("tax_free_cash", "Is the 25% lump sum limited?"),
        ("drawdown", "Could I run out of money in drawdown?"),
        ("annuity", "Should I buy an annuity?"),
        ("when_can_i_take", "Is the minimum pension age going up to 57?"),
        ("small_pots", "I have a pot of £8,000, can I cash in the lot?"),
        (
            "db_transfer",
            "Is it wise to give up my defined benefit pension for a lump sum transfer?",
        ),
        ("state_pension", "How much State Pension will I get each week?"),
        ("state_pension_age", "Has the State Pension age gone up to 67 yet?"),
        ("ni_gaps", "Can I pay voluntary National Insurance for past years?"),
        ("deferral", "How much extra do I get if I delay my State Pension by a year?"),
        ("beneficiaries", "How do I make sure my partner gets my pension pot if I die?"),
        ("inheritance_tax", "Do pensions count for inheritance tax after April 2027?"),
        ("consolidation", "What should I check before I transfer old pensions into one?"),
        ("lost_pensions", "How can I track down an old workplace pension I have forgotten?"),
        ("salary_sacrifice", "Does salary sacrifice save National Insurance?"),
        ("charges", "Is there a cap on workplace pension charges?"),
        ("scams", "Someone cold called me about my pension, what should I do?"),
        ("pension_wise", "Is Pension Wise free?"),
        ("self_employed", "What pension options does a self-employed plumber have?"),
        ("how_much_to_save", "What percentage of my salary should I save for retirement?"),
        ("investment_choice", "Which investments does my pension's default fund hold?"),
        (
            "tax_on_withdrawals",
            "Why have I been put on an emergency tax code for my pension withdrawal?",
        ),
        ("divorce", "Can my ex-husband claim a share of my pension?"),
        ("provider_fails", "Is my SIPP covered if the operator fails?"),
    ],
}
# Known misses: the best passage is another one, or none.
MISPLACED = {
    "Why has my payment jumped after the introductory period?",
    "I owe 180,000 on a home worth 200,000, how does that affect the rate I'm offered?",
    "Is ten percent enough for a deposit?",
    "Can my aunt give me cash for the down payment?",
    "I got a bonus at work, can I use it to reduce the mortgage?",
    "Does a mortgage in principle hurt my credit file?",
    "I have a default from three years ago, will any lender accept me?",
    "My girlfriend and I are putting in different amounts, how do we protect our shares?",
    "I have been made redundant and will miss a mortgage payment",
    "What are the bands of stamp duty?",
    "What is the ISA limit for 2026/27?",
    "How much could my investments fall in a bad year?",
    "What is the difference between a workplace pension and saving on my own?",
    "What happens if I pay in more than £60,000?",
    "Is it wise to give up my defined benefit pension for a lump sum transfer?",
    "Can my ex-husband claim a share of my pension?",
}

OFF_TOPIC = [
    "What's the weather like in Leeds tomorrow?",
    "Who won the World Cup in 1966?",
    "Give me a recipe for lemon drizzle cake",
    "Can you translate hello into French?",
    "My dog will not eat its food",
    "Tell me a joke",
    "What are the symptoms of flu?",
    "Recommend a good film for tonight",
    "How do I learn to play the guitar?",
    "Explain photosynthesis",
    "How do I grow tomatoes?",
    "Which museum in London is best for children?",
    "hello",
    "asdf qwer zxcv",
]

LOOKED_UP = [
    (subject, question, answer)
    for subject, questions in ANSWERED_BY.items()
    for answer, question in questions
]


@pytest.mark.parametrize(("subject", "question", "answer"), LOOKED_UP)
def test_the_best_passage_is_the_one_that_answers(subject: str, question: str, answer: str):
    found = [passage.id for passage in closest(subject, question)]
    if question in MISPLACED:
        assert found[:1] != [answer], "found now: take it off the list of known misses"
    else:
        assert found[0] == answer


def test_most_questions_find_their_passage_first():
    # 86 of 103 when this was written.
    assert len(MISPLACED) <= 0.2 * len(LOOKED_UP)
    assert len({answer for _, _, answer in LOOKED_UP}) > 90


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
