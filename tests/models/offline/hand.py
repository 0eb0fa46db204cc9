"""Questions to the desk with figures worked out by hand, by formulas of their own.

No formula here is the tools': bands are summed rate by rate, savings grown month by month, loans
paid down month by month.
"""

from typing import NamedTuple


class Asked(NamedTuple):
    """One turn, with the figure that is right."""

    say: str
    figure: str = ""
    """Empty where no figure of the desk's is right: it must ask back, refuse or look up."""
    is_whole: bool = True
    """It states every input in figures, itself or with the turns before it."""


def pounds(amount: float) -> str:
    """Writes a sum as people do: £20,000 or £1,389.58."""
    return f"£{amount:,.2f}".removesuffix(".00")


def payment(loan: float, percent: float, years: int) -> float:
    """Finds the payment that brings a loan to nothing, by halving the range it can be in."""
    low, high = 0.0, float(loan)
    for _ in range(100):
        middle, left = (low + high) / 2, float(loan)
        for _ in range(12 * years):
            left += left * percent / 1200 - middle
        low, high = (middle, high) if left > 0 else (low, middle)
    return high


def monthly(loan: float, percent: float, years: int) -> str:
    """Writes a mortgage's payment."""
    return pounds(payment(loan, percent, years))


def interest(loan: float, percent: float, years: int) -> str:
    """Writes what is paid beyond the loan."""
    return pounds(payment(loan, percent, years) * 12 * years - loan)


def grown(lump: float, a_month: float, percent: float, years: int) -> str:
    """Grows savings month by month, each month's payment at its end."""
    held = float(lump)
    for _ in range(12 * years):
        held = held * (1 + percent / 100) ** (1 / 12) + a_month
    return pounds(held)


def duty(price: float, more: float = 0) -> str:
    """Charges 2% from £125,000, 5% from £250,000, 10% from £925,000, 12% from £1.5m, and more."""
    steps = ((125_000, 2), (250_000, 3), (925_000, 5), (1_500_000, 2))
    percents = sum(max(0, price - start) * rate for start, rate in steps)
    return pounds((percents + price * more) / 100)


def first_time_duty(price: float) -> str:
    """Charges 5% above £300,000, on homes of up to £500,000."""
    return pounds(max(0, price - 300_000) * 5 / 100) if price <= 500_000 else duty(price)


TALKS: list[list[Asked]] = [
    # A mortgage's cost
    [
        Asked(
            "What is the monthly payment on a £180,000 mortgage at 5.2% over 30 years?",
            monthly(180_000, 5.2, 30),
        )
    ],
    [
        Asked(
            "I want to borrow £320,000 at 4.75% for 35 years. What would it cost a month?",
            monthly(320_000, 4.75, 35),
        )
    ],
    [
        Asked(
            "Calculate the monthly repayment on a mortgage of £150,000 over 20 years at 3.9%.",
            monthly(150_000, 3.9, 20),
        )
    ],
    [
        Asked(
            "How much a month is an interest-only mortgage of £240,000 at 5% over 25 years?",
            pounds(240_000 * 0.05 / 12),
        )
    ],
    [
        Asked(
            "What would two hundred thousand pounds at 4% over twenty-five years cost me a month?",
            monthly(200_000, 4, 25),
        )
    ],
    [
        Asked(
            "What is the total interest on a £200,000 repayment mortgage at 5% over 25 years?",
            interest(200_000, 5, 25),
        )
    ],
    [
        Asked(
            "How much interest in total would I pay on £275k at 4.2% over 27 years?",
            interest(275_000, 4.2, 27),
        )
    ],
    [
        Asked(
            "£95,000 mortgage, 6% interest, 15-year term: how much is the monthly payment?",
            monthly(95_000, 6, 15),
        )
    ],
    [
        Asked(
            "What's the monthly cost of a 25-year mortgage of £250 000 at 4.5 per cent?",
            monthly(250_000, 4.5, 25),
        ),
        Asked("And at 5%?", monthly(250_000, 5, 25)),
        Asked("And over 30 years?", monthly(250_000, 5, 30)),
        Asked("Over 15 years?", monthly(250_000, 5, 15)),
        Asked("And what is the stamp duty on a £300,000 home?", duty(300_000)),
    ],
    [Asked("What would a $250,000 mortgage at 4.5% over 25 years cost a month?")],
    [
        Asked(
            "What would a £200,000 mortgage cost me a year at 5% over 25 years?",
            pounds(12 * payment(200_000, 5, 25)),
        )
    ],
    [Asked("How much of £200,000 at 5% over 25 years would I still owe after 10 years?")],
    [
        Asked(
            "What would a £200,000 mortgage at 5% fixed for 2 years over 25 years cost a month?",
            monthly(200_000, 5, 25),
        )
    ],
    [
        Asked(
            "If I pay £20,000 off a £200,000 mortgage at 5% over 25 years, what is the payment?",
            monthly(180_000, 5, 25),
        )
    ],
    [
        Asked("What would a mortgage of £200,000 cost a month?", "", False),
        Asked("5% over 25 years", monthly(200_000, 5, 25)),
    ],
    # Loan to value, and what can be borrowed
    [Asked("What is the loan to value of a £210,000 mortgage on a £280,000 house?", "75%")],
    [Asked("My house is worth £350,000 and I owe £140,000. What is my loan to value?", "40%")],
    [Asked("What's the LTV if I borrow £190,000 to buy a £200,000 flat?", "95%")],
    [Asked("How much could I borrow on an income of £52,000 a year?", pounds(52_000 * 4.5))],
    [
        Asked(
            "I earn £38,000 and my partner earns £27,500. How much can we borrow?",
            pounds(65_500 * 4.5),
        )
    ],
    [
        Asked(
            "How much might a lender lend on a £61,000 salary if I pay £250 a month on a car loan?",
            pounds(58_000 * 4.5),
        )
    ],
    [Asked("How much could I borrow if I earn £3,000 a month?", pounds(36_000 * 4.5))],
    [Asked("Can I borrow £300,000 if I earn £60,000?")],
    # Stamp duty
    [Asked("How much stamp duty is due on a £425,000 house?", duty(425_000))],
    [
        Asked(
            "How much stamp duty would a first-time buyer pay on a £450,000 flat?",
            first_time_duty(450_000),
        )
    ],
    [Asked("What is the stamp duty on a second home at £260,000?", duty(260_000, 5))],
    [
        Asked("Stamp duty on a £600,000 buy-to-let?", duty(600_000, 5)),
        Asked("And on £700,000?", duty(700_000, 5)),
    ],
    [Asked("What SDLT would I pay on a £1.2m house as a non-UK resident?", duty(1_200_000, 2))],
    [Asked("What stamp duty does a buyer from abroad pay on a £400,000 house?", duty(400_000, 2))],
    [Asked("What stamp duty do I pay on £550,000 if I am not a first-time buyer?", duty(550_000))],
    [Asked("How much stamp duty would I pay on a £300,000 home in Scotland?")],
    [Asked("How much stamp duty would I pay on a £300,000 home in Wales?")],
    [Asked("What is the stamp duty on a £250.000 house?")],
    [Asked("What is the stamp duty on a £900,000 house and a £100,000 flat?")],
    [
        Asked("What's my stamp duty on £300,000, my second?", "", False),
        Asked("yes", duty(300_000, 5), False),
        Asked("And on £400,000?", duty(400_000, 5)),
    ],
    [Asked("How much stamp duty will I pay?", "", False), Asked("£310,000", duty(310_000))],
    # Saving
    [Asked("What would £8,000 grow to in 7 years at 3.5%?", grown(8_000, 0, 3.5, 7))],
    [
        Asked(
            "If I invest £20,000 at 6% a year, what will it be worth after 15 years?",
            grown(20_000, 0, 6, 15),
        ),
        Asked("And after 20 years?", grown(20_000, 0, 6, 20)),
    ],
    [
        Asked(
            "How much will a lump sum of £12,500 at 4% interest be after 5 years?",
            grown(12_500, 0, 4, 5),
        )
    ],
    [Asked("How much would £250 a month grow to over 18 years at 5%?", grown(0, 250, 5, 18))],
    [
        Asked(
            "I save £400 each month at 4.5% a year for 12 years. How much will I have?",
            grown(0, 400, 4.5, 12),
        )
    ],
    [
        Asked(
            "What do I end up with if I put £150 per month into savings at 3% for 10 years?",
            grown(0, 150, 3, 10),
        )
    ],
    [
        Asked("How much would £5,000 grow to at 4% over 10 years?", grown(5_000, 0, 4, 10)),
        Asked("And if I add another £4,000?"),
    ],
    [Asked("What would £1,200 a year grow to at 5% over 10 years?")],
    [Asked("What would £10,000 grow to at 5% in 10 years after 2% inflation?")],
    [Asked("What would £10,000 at 4% compounded monthly grow to over 6 years?")],
    [Asked("What would £5,000 grow to at 5-6% over 10 years?")],
    [Asked("How much do I need to invest today to have £100,000 in 10 years at 5%?")],
    [Asked("What lump sum grows to £40,000 in 8 years at 4%?")],
    [Asked("How much would £1,000 a month grow to at 5% for 18 months?")],
    [
        Asked("What would £300 a month grow to in 10 years?", "", False),
        Asked("5%", grown(0, 300, 5, 10)),
    ],
    [
        Asked(
            "I have paid £7,500 into my ISA this tax year. How much allowance is left?",
            pounds(12_500),
        )
    ],
    [
        Asked(
            "I've put £12,000 into ISAs so far this year; how much more can I pay in?",
            pounds(8_000),
        )
    ],
    # Pensions: relief is 20% and, above £50,270, the difference to 40%; above £100,000 half more
    [
        Asked(
            "How much tax relief on a gross pension contribution of £6,000 on a £70,000 salary?",
            pounds(6_000 * 0.6),
        )
    ],
    [
        Asked(
            "What does a £10,000 gross pension contribution cost after relief if I earn £110,000?",
            pounds(10_000 * 0.4),
        )
    ],
    [
        Asked(
            "I earn £30,000 and pay £2,400 gross into my pension. What tax relief do I get?",
            pounds(2_400 * 0.2),
        )
    ],
    [Asked("I'm paid £60,000 and put £5,000 into my pension. What is the tax relief?")],
    [Asked("How much tax relief do I get on £5,000 gross in Scotland if I earn £60,000?")],
    [
        Asked(
            "What will a £80,000 pension pot grow to in 20 years at 5% if I pay in £300 a month?",
            grown(80_000, 300, 5, 20),
        )
    ],
    [
        Asked(
            "A pension pot of £45,000, with £200 a month, 4% growth, 15 years: how large is it?",
            grown(45_000, 200, 4, 15),
        )
    ],
    [
        Asked(
            "What is my pension annual allowance if my adjusted income is £300,000?",
            pounds(60_000 - 40_000 / 2),
        )
    ],
    [Asked("I'm 40 and want to retire at 60 with £500,000. How much must I save?")],
    # Nobody's
    [Asked("What is half of £300,000?")],
    [Asked("I have 3 boxes of 4 pens. How many pens?")],
    [Asked("What is the weather in Leeds?", "", False)],
]

UNSURE = """
What mortgage costs £1,000 a month at 5% over 25 years?
What loan at 5% over 25 years has a monthly payment of £1,000?
What price home has stamp duty of £5,000?
What house price gives a stamp duty of £5,000?
How much house would £5,000 stamp duty buy?
How much do I pay on a £200,000 mortgage at 5% over 25 years in the first year?
What interest rate gives a monthly payment of £1,000 on £200,000 over 25 years?
What is the monthly payment on a £300,000 home at 5% over 25 years?
What is the monthly payment on a £300,000 house with a 10% deposit at 5% over 25 years?
If I borrow £200,000 at 5% over 25 years and pay back £50,000, what is the monthly payment?
What is the stamp duty on a £300,000 home I own?
What stamp duty do I pay on a £300,000 home if I have never owned one abroad?
How much stamp duty on a £40,000 garage?
How much stamp duty on land at £300,000?
What is stamp duty on a shared ownership home of £300,000?
What was the stamp duty on a £300,000 home in 2015?
What would savings of £10,000 be worth 10 years ago at 5%?
How much is £10,000 of savings at 5% less after 10 years?
How much growth is £10,000 in 10 years at 5% before tax?
How much would £10,000 grow to at 5% a month over 2 years?
How much would £10,000 grow to at 0.5% monthly over 2 years?
What would £10,000 lose in 10 years at 5%?
What would £10,000 grow to after 10 years at 5% each in two accounts?
What is the future value of £100 a week at 5% for 10 years?
What will my savings of £10,000 be worth after 10 years at 5% if I take out £1,000?
How much did I save if I have £10,000 after 10 years at 5%?
What sum put in at the start is worth £10,000 after 10 years at 5%?
What sum saved today is £10,000 after 10 years at 5%?
How much ISA allowance have I used if £5,000 is left?
How much have I paid into an ISA if £5,000 of the allowance is left?
How much ISA allowance is left if I have paid £5,000 into a Lifetime ISA?
I paid £5,000 into my ISA last year. How much can I pay in this year?
I paid in £15,000 and paid out £5,000. How much ISA allowance is left?
How much ISA allowance is left for my wife and me if I have paid in £5,000?
What must I earn to get £2,000 tax relief on £5,000 gross?
How much tax relief on £5,000 gross if my employer pays it and I earn £60,000?
How much tax relief on £5,000 gross if I earn £60,000 after tax?
How much tax relief on £5,000 gross a month if I earn £60,000?
How much tax relief do we get on £5,000 gross if I earn £60,000 and my wife earns £20,000?
How much can I borrow on £60,000 a year if I have two children?
How much can I borrow on £60,000 before tax if my loan is £300 a month and my car £200 a month?
How much can I borrow on a £60,000 income in Scotland?
I earn £60,000 and owe £20,000. How much can I borrow?
How much must I earn to borrow £270,000?
What income do I need for a £270,000 mortgage?
What is the loan to value with a loan of £180,000 and a deposit of £60,000?
What is the loan to value of £240,000 on a £180,000 mortgage?
What is 80% loan to value on a £240,000 home?
What is the loan at 80% loan to value on a £240,000 home?
What will my pension pot of £80,000 be worth in 20 years at 5%?
What pension pot today is worth £300,000 in 20 years at 5% with contributions of £300 a month?
What is the annual allowance with £300,000 income?
What is my pension annual allowance if I am a first-time buyer?
What is the annual allowance in 2020?
What is the pension allowance I carry forward?
"""
"""Questions that a tool's own words make up, and which none of the tools answers as they stand."""

TALKS += [[Asked(question)] for question in UNSURE.strip().splitlines()]
