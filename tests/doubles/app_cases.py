"""What is said to other people's apps (doubles/apps), and how they must move."""

from collections import defaultdict
from typing import Any, NamedTuple

from google.adk.models.llm_response import LlmResponse
from google.genai import types

from adk_flow.models.scripted import Scripted, call, transfer
from tests.doubles.somebody import Result


class Case(NamedTuple):
    """A conversation with an app, what its models decide, and how it must move."""

    turns: list[Any]
    script: dict[str, list[Any]]
    drawn: str

    @property
    def calls(self) -> int:
        """LLM calls, true: one for each decision, all of which are asked for."""
        return sum(map(len, self.script.values()))


CASES = {
    "concierge": Case(
        ["To Rome?", "Hotel?", "Weather?"],
        {
            "concierge": [transfer("travel"), transfer("weather")],
            "travel": [transfer("flights"), transfer("hotels"), transfer("concierge")],
            "flights": ["Fly.", transfer("travel")],
            "hotels": ["Stay.", transfer("travel")],
            "weather": ["Sun."],
        },
        """
        start user to concierge
        user say concierge "To Rome?"
        concierge => travel
        travel => flights
        flights reply user "Fly."
        end flights to user

        start user to flights
        user say flights "Hotel?"
        flights => travel
        travel => hotels
        hotels reply user "Stay."
        end hotels to user

        start user to hotels
        user say hotels "Weather?"
        hotels => travel
        travel => concierge
        concierge => weather
        weather reply user "Sun."
        end weather to user
        """,
    ),
    "errands": Case(
        ["milk and eggs"],
        {
            "shopper": ["got milk", "got eggs"],
            "cook": ["omelette"],
        },
        """
        start user to errands
        user say errands "milk and eggs"
        errands -> run_errands (node)
        run_errands -> shopper (node)
        shopper reply user "got milk"
        shopper answer run_errands "got milk"
        run_errands <- shopper
        run_errands -> shopper (node)
        shopper reply user "got eggs"
        shopper answer run_errands "got eggs"
        run_errands <- shopper
        run_errands -> cook (node)
        cook reply user "omelette"
        cook answer run_errands "omelette"
        run_errands <- cook
        run_errands answer errands "omelette"
        errands <- run_errands
        end errands to user
        """,
    ),
    "expenses": Case(
        ["£5 please", Result("approve", {"approved": True})],
        {
            "clerk": [call("approve", amount=5), transfer("payer")],
            "payer": ["Paid."],
        },
        """
        start user to clerk
        user say clerk "£5 please"
        clerk reply user "waits for approve: {"amount":5}"
        end clerk to user

        start user to clerk
        user say clerk "{"approved":true}"
        clerk => payer
        payer reply user "Paid."
        end payer to user
        """,
    ),
    "factory": Case(
        ["A car"],
        {
            "plan": ["p"],
            "cut": ["c"],
            "weld": ["w"],
            "pack": ["k"],
        },
        """
        start user to factory
        user say factory "A car"
        factory -> plan (node)
        plan reply user "p"
        plan answer factory "p"
        factory <- plan
        factory -> assembly (node)
        assembly -> cut (node)
        cut reply user "c"
        cut answer assembly "c"
        assembly <- cut
        assembly -> weld (node)
        weld reply user "w"
        weld answer assembly "w"
        assembly <- weld
        assembly answer factory "w"
        factory <- assembly
        factory -> pack (node)
        pack reply user "k"
        pack answer factory "k"
        factory <- pack
        end factory to user
        """,
    ),
    "headline": Case(
        ["Rain"],
        {
            "writer": ["Rain", "Deluge"],
            "critic": ["bad", "good"],
        },
        """
        start user to headline
        user say headline "Rain"
        headline -> writer (node)
        writer reply user "Rain"
        writer answer headline "Rain"
        headline <- writer
        headline -> critic (node)
        critic reply user "bad"
        critic answer headline "bad"
        headline <- critic
        headline -> verdict (node)
        headline <- verdict
        headline -> writer (node)
        writer reply user "Deluge"
        writer answer headline "Deluge"
        headline <- writer
        headline -> critic (node)
        critic reply user "good"
        critic answer headline "good"
        headline <- critic
        headline -> verdict (node)
        headline <- verdict
        headline -> publish (node)
        headline <- publish
        end headline to user
        """,
    ),
    "helpdesk": Case(
        ["My bill?", "Broken!"],
        {
            "classifier": ["bill", "fault"],
            "billing": ["£5"],
            "repairs": ["mended"],
        },
        """
        start user to helpdesk
        user say helpdesk "My bill?"
        helpdesk -> classifier (node)
        classifier reply user "bill"
        classifier answer helpdesk "bill"
        helpdesk <- classifier
        helpdesk -> route (node)
        helpdesk <- route
        helpdesk -> billing (node)
        billing reply user "£5"
        billing answer helpdesk "£5"
        helpdesk <- billing
        end helpdesk to user

        start user to helpdesk
        user say helpdesk "Broken!"
        helpdesk -> classifier (node)
        classifier reply user "fault"
        classifier answer helpdesk "fault"
        helpdesk <- classifier
        helpdesk -> route (node)
        helpdesk <- route
        helpdesk -> repairs (node)
        repairs reply user "mended"
        repairs answer helpdesk "mended"
        helpdesk <- repairs
        end helpdesk to user
        """,
    ),
    "library": Case(
        ["Where?", "Worth?"],
        {
            "librarian": [transfer("finder"), call("appraiser", request="worth?"), "£9."],
            "finder": ["Shelf 3.", transfer("librarian")],
            "appraiser": ["£9"],
        },
        """
        start user to librarian
        user say librarian "Where?"
        librarian => finder
        finder reply user "Shelf 3."
        end finder to user

        start user to finder
        user say finder "Worth?"
        finder => librarian
        librarian -> appraiser (agent_tool)
        librarian ask appraiser "worth?"
        appraiser answer librarian "£9"
        librarian <- appraiser
        librarian reply user "£9."
        end librarian to user
        """,
    ),
    "newsroom": Case(
        ["News?"],
        {
            "editor": [
                [
                    call("politics", request="news?"),
                    call("sport", request="news?"),
                    call("money", request="news?"),
                    call("culture", request="news?"),
                ],
                "All.",
            ],
            "politics": ["p"],
            "sport": ["s"],
            "money": ["m"],
            "culture": ["c"],
        },
        """
        start user to editor
        user say editor "News?"
        editor -< politics, sport, money, culture
        editor -> politics (agent_tool)
        editor ask politics "news?"
        editor -> sport (agent_tool)
        editor ask sport "news?"
        editor -> money (agent_tool)
        editor ask money "news?"
        editor -> culture (agent_tool)
        editor ask culture "news?"
        politics answer editor "p"
        editor <- politics
        sport answer editor "s"
        editor <- sport
        money answer editor "m"
        editor <- money
        culture answer editor "c"
        editor <- culture
        editor >-
        editor reply user "All."
        end editor to user
        """,
    ),
    "onboarding": Case(
        ["Hi", "Ann"],
        {
            "onboarding": [
                call("interviewer", request="ask the name"),
                call("translator", request="Ann"),
                "Welcome.",
            ],
            "interviewer": [
                "Name?",
                call("save_profile", person="Ann"),
                call("finish_task", result="Ann"),
            ],
            "translator": ["Anna"],
        },
        """
        start user to onboarding
        user say onboarding "Hi"
        onboarding -> interviewer (task)
        onboarding ask interviewer "ask the name"
        interviewer reply user "Name?"
        end interviewer to user

        start user to interviewer
        user say interviewer "Ann"
        interviewer answer onboarding "Ann"
        onboarding <- interviewer
        onboarding -> translator (single_turn)
        onboarding ask translator "Ann"
        translator reply user "Anna"
        translator answer onboarding "Anna"
        onboarding <- translator
        onboarding reply user "Welcome."
        end onboarding to user
        """,
    ),
    "publisher": Case(
        ["A book", "Thanks"],
        {
            "publisher": [transfer("book"), transfer("chat")],
            "outline": ["o"],
            "words": ["w"],
            "pictures": ["p"],
            "chat": ["bye"],
        },
        """
        start user to publisher
        user say publisher "A book"
        publisher => book
        book -> outline (node)
        outline reply user "o"
        outline answer book "o"
        book <- outline
        book -> pages (node)
        pages -< words, pictures
        pages -> words (node)
        pages -> pictures (node)
        words reply user "w"
        words answer pages "w"
        pages <- words
        pictures reply user "p"
        pictures answer pages "p"
        pages <- pictures
        pages >-
        book <- pages
        end book to user

        start user to publisher
        user say publisher "Thanks"
        publisher => chat
        chat reply user "bye"
        end chat to user
        """,
    ),
    "quotes": Case(
        ["nut and bolt"],
        {
            "dealer": ["1", "2"],
        },
        """
        start user to quotes
        user say quotes "nut and bolt"
        quotes -> ask_around (node)
        ask_around -< dealer, dealer
        ask_around -> dealer (node)
        ask_around -> dealer (node)
        dealer reply user "1"
        dealer reply user "2"
        dealer answer ask_around "1"
        ask_around <- dealer
        dealer answer ask_around "2"
        ask_around <- dealer
        ask_around >-
        ask_around answer quotes "2"
        quotes <- ask_around
        end quotes to user
        """,
    ),
    "research": Case(
        ["Why?"],
        {
            "research": [call("analyst", request="why"), "So."],
            "analyst": [
                call("searcher", request="w"),
                call("count_words", text="a b"),
                "because",
            ],
            "searcher": ["found"],
        },
        """
        start user to research
        user say research "Why?"
        research -> analyst (agent_tool)
        research ask analyst "why"
        analyst -> searcher (agent_tool)
        analyst ask searcher "w"
        searcher answer analyst "found"
        analyst <- searcher
        analyst answer research "because"
        research <- analyst
        research reply user "So."
        end research to user
        """,
    ),
    "review": Case(
        ["A poem"],
        {
            "draft": ["roses"],
            "style": ["fine"],
            "facts": ["true"],
        },
        """
        start user to review
        user say review "A poem"
        review -> draft (node)
        draft reply user "roses"
        draft answer review "roses"
        review <- draft
        review -< style, facts
        review -> style (node)
        review -> facts (node)
        style reply user "fine"
        facts reply user "true"
        style answer review "fine"
        review <- style
        facts answer review "true"
        review <- facts
        review >-
        review -> both (node)
        review <- both
        review -> conclude (node)
        review <- conclude
        end review to user
        """,
    ),
    "shop": Case(
        ["Pens?", "Moons?", "At night?"],
        {
            "clerk": [
                call("stock", article="pen"),
                "Three.",
                call("stock", article="moon"),
                "None.",
            ],
        },
        """
        start user to clerk
        user say clerk "Pens?"
        clerk reply user "Three."
        end clerk to user

        start user to clerk
        user say clerk "Moons?"
        clerk reply user "None."
        end clerk to user

        start user to clerk
        user say clerk "At night?"
        clerk reply user "We are closed."
        end clerk to user
        """,
    ),
    "story": Case(
        ["A tale"],
        {
            "teller": ["rain", "sun"],
            "judge": ["sad"],
        },
        """
        start user to story
        user say story "A tale"
        story -> teller (node)
        teller reply user "rain"
        teller answer story "rain"
        story <- teller
        story -> judge (node)
        judge reply user "sad"
        judge answer story "sad"
        story <- judge
        story -> teller (node)
        teller reply user "sun"
        teller answer story "sun"
        story <- teller
        end story to user
        """,
    ),
    "tickets": Case(
        ["A part", Result("order", {"status": "here"})],
        {
            "tickets": [call("order", part="x"), "Ordered.", "It is here."],
        },
        """
        start user to tickets
        user say tickets "A part"
        tickets reply user "Ordered."
        end tickets to user

        start user to tickets
        user say tickets "{"status":"here"}"
        tickets reply user "It is here."
        end tickets to user
        """,
    ),
    "vault": Case(
        ["Open 3", Result("adk_request_confirmation", {"confirmed": True})],
        {
            "vault": [call("open_vault", number=3), "May I?", "It is open."],
        },
        """
        start user to vault
        user say vault "Open 3"
        vault reply user "waits for adk_request_confirmation: Open vault 3?"
        vault reply user "May I?"
        end vault to user

        start user to vault
        user say vault "{"confirmed":true}"
        vault reply user "It is open."
        end vault to user
        """,
    ),
    "visa": Case(
        ["Form", Result("adk_request_input", {"result": "yes"})],
        {
            "checker": ["complete"],
            "writer": ["Dear Ann"],
        },
        """
        start user to visa
        user say visa "Form"
        visa -> checker (node)
        checker reply user "complete"
        checker answer visa "complete"
        visa <- checker
        visa -> ask_officer (node)
        visa reply user "waits for adk_request_input: Grant it? complete"
        end visa to user

        start user to visa
        user say visa "yes"
        visa -> decided (node)
        visa <- decided
        visa -> writer (node)
        writer reply user "Dear Ann"
        writer answer visa "Dear Ann"
        visa <- writer
        end visa to user
        """,
    ),
    "workers": Case(
        ["bond yield"],
        {
            "explainer": ["1", "2"],
        },
        """
        start user to glossary
        user say glossary "bond yield"
        glossary -> split (node)
        glossary <- split
        glossary -> explainer (node)
        explainer -< explainer, explainer
        explainer -> explainer (node)
        explainer -> explainer (node)
        explainer reply user "1"
        explainer reply user "2"
        explainer answer explainer "1"
        explainer <- explainer
        explainer answer explainer "2"
        explainer <- explainer
        explainer >-
        explainer answer glossary "2"
        glossary <- explainer
        glossary -> glossary/glossary (node)
        glossary <- glossary/glossary
        end glossary to user
        """,
    ),
}


def same(drawn, wanted):
    """What happens at once may be told in any order."""
    if any(" -< " in line for line in drawn):
        return sorted(filter(None, drawn)) == sorted(filter(None, wanted.split("\n")))
    return drawn == wanted


class Streamed(Scripted):
    """Gives each text in two pieces first, as a model does under SSE."""

    async def generate_content_async(self, llm_request, stream=False):
        async for response in super().generate_content_async(llm_request):
            text = response.content.parts[0].text
            if stream and text:
                for piece in (text[:1], text[1:]):
                    yield LlmResponse(content=types.ModelContent(piece), partial=True)
            yield response


def scripted(*names):
    """Decides for apps that are talked with one after the other."""
    script = defaultdict(list)
    for name in names:
        for agent, decisions in CASES[name].script.items():
            script[agent] += decisions
    return Streamed(script=script)
