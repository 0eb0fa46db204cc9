"""Requests are read as they were sent, however histories change, out of bounded memory."""

import pytest
from google.adk.agents import LlmAgent
from google.adk.models import FallbackModel
from google.adk.models.llm_request import LlmRequest
from google.adk.plugins.base_plugin import BasePlugin
from google.genai import types
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import Field

from adk_flow.analysis.visibility.exposure import attribute_requests
from adk_flow.log.requests import Requests
from adk_flow.log.schema import Record
from adk_flow.record import sent
from tests.analysis.test_calls import Busy, Counting, look, says
from tests.doubles.flow import record

LIMITS = {"LATEST_PARTS": 4, "MOST_RANGES": 3, "KNOWN_TEXTS": 6, "BASES": 2, "WHOLE_EVERY": 7}
WORDS = st.sampled_from(["a", "b", "long " * 10, "longer " * 10])
CHANGES = st.tuples(
    st.integers(0, 2),  # whose request it is
    st.one_of(st.just(0), st.integers(0, 12)),  # parts taken off the end of that agent's history
    st.lists(st.tuples(WORDS, st.sampled_from(["user", "model"])), min_size=1, max_size=3),
)


@given(st.lists(CHANGES, max_size=40))
@settings(max_examples=150)
def test_requests_are_read_as_they_were_sent_out_of_bounded_memory(changes):
    with pytest.MonkeyPatch.context() as patch:
        for name, limit in LIMITS.items():
            patch.setattr(sent, name, limit)
        requests, reader, known = sent.SentRequests(str), Requests(), {}
        histories = {0: [], 1: [], 2: []}
        for line, (place, less, more) in enumerate(changes, start=1):
            history = histories[place] = [*histories[place][: -less or None], *more]
            contents = [types.Content(role=r, parts=[types.Part(text=w)]) for w, r in history]
            drafted = requests.draft((place,), LlmRequest(contents=contents), line - 1)
            texts = drafted.texts
            told = Record(
                hook="before_model", number=line, time=0, request=drafted.request, texts=texts
            )
            requests.keep(drafted, line)
            reader.complete(told)
            known |= told.texts
            assert [(known[part.text], part.role) for part in told.request.parts] == history
        for kept in requests._latest.values():
            assert len(kept.hashes) <= 4 and len(kept.ranges) <= 2 * (3 + 2)
        assert len(requests._latest) <= 2 and len(requests._numbers) <= 6


class Noting(Counting):
    """Notes what it is sent: model, instruction, texts, and the functions that are declared."""

    notes: list = Field(default_factory=list)

    async def generate_content_async(self, llm_request, stream=False):
        texts = [part.text for content in llm_request.contents for part in content.parts]
        config = llm_request.config
        names = tuple(one.name for tool in config.tools for one in tool.function_declarations)
        self.notes.append((llm_request.model, config.system_instruction, texts, names))
        async for answer in super().generate_content_async(llm_request, stream):
            yield answer


class Guard(BasePlugin):
    """Changes a request before it is sent."""

    def __init__(self, change):
        super().__init__("guard")
        self.change = change

    async def before_model_callback(self, *, callback_context, llm_request):
        self.change(llm_request)


def keeps(request):
    """Changes nothing."""


def cuts(request):
    request.contents = request.contents[-1:]


def hides(request):
    for content in request.contents:
        content.parts = [types.Part(text=part.text.replace("42", "…")) for part in content.parts]


def adds(request):
    request.append_instructions(["Be brief."])
    request.contents.append(types.UserContent("By the way."))


def takes_tools(request):
    request.config.tools = []


def names_another(request):
    request.model = "lite"


@pytest.mark.parametrize("by", ["plugin", "callback"])
@pytest.mark.parametrize("change", [keeps, cuts, hides, adds, takes_tools, names_another])
async def test_what_callbacks_change_is_told_as_it_was_sent(change, by, tmp_path):
    model = Noting.of(*map(says, "abc"))
    own: dict = {}
    if by == "callback":
        own["before_model_callback"] = lambda callback_context, llm_request: change(llm_request)
    root = LlmAgent(name="Root", model=model, instruction="Help.", tools=[look], **own)

    plugins = [Guard(change)] if by == "plugin" else []
    flow = await record(root, ["I am 42.", "I am 43.", "42?"], tmp_path, plugins=plugins)

    texts = flow.log.texts
    calls = [call for turn in flow.trace.turns for call in turn.model_calls]
    told = [(c.model, c.request, [texts[part.text] for part in c.request.parts]) for c in calls]
    notes = [(model, sent.system, parts, sent.tools) for model, sent, parts in told]
    assert [(name, texts[system], *more) for name, system, *more in notes] == model.notes
    changed = [one for one in flow.log.records if one.hook == "changed_request"]
    assert len(changed) == {keeps: 0, cuts: 2}.get(change, 3)
    shown = {request.record: request.request for request in attribute_requests(flow.trace)}
    assert shown == {call.record: call.request for call in calls}


async def test_a_changed_request_is_told_once_however_many_models_it_is_sent_to(tmp_path):
    first, second = Noting.of(Busy("later"), model="dear"), Noting.of(says("a"), model="cheap")
    root = LlmAgent(name="Root", model=FallbackModel(models=[first, second]), tools=[look])

    flow = await record(root, ["I am 42."], tmp_path, plugins=[Guard(adds)])

    assert [one.hook for one in flow.log.records].count("changed_request") == 1
    assert [note[1:] for note in first.notes] == [note[1:] for note in second.notes]
