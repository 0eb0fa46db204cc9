"""Requests are read as they were sent, however histories change, out of bounded memory."""

import pytest
from google.adk.models.llm_request import LlmRequest
from google.genai import types
from hypothesis import given, settings
from hypothesis import strategies as st

from adk_flow.log.requests import Requests
from adk_flow.log.schema import Record
from adk_flow.record import sent

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
            record = Record(
                hook="before_model", number=line, time=0, request=drafted.request, texts=texts
            )
            requests.keep(drafted, line)
            reader.complete(record)
            known |= record.texts
            assert [(known[part.text], part.role) for part in record.request.parts] == history
        for kept in requests._latest.values():
            assert len(kept.hashes) <= 4 and len(kept.ranges) <= 2 * (3 + 2)
        assert len(requests._latest) <= 2 and len(requests._numbers) <= 6
