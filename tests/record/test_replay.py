"""Steps that a durable engine takes again: told as replayed, and counted once."""

from typing import Any

import pytest
from google.adk.models.llm_response import LlmResponse
from google.adk.plugins.base_plugin import BasePlugin
from google.genai import types

from adk_flow.models.scripted import Scripted, call
from adk_flow.render.flow_text import print_flow
from adk_flow.render.terminal import plain_console
from tests.doubles.flow import agent, record


class Engine(BasePlugin):
    """Keeps what models answered and tools gave, and gives it again without asking them."""

    def __init__(self):
        super().__init__(name="engine")
        self.steps, self.replayed, self.is_replaying = [], 0, False

    async def before_model_callback(self, *, callback_context, llm_request):
        return self.replay()

    async def before_tool_callback(self, *, tool, tool_args, tool_context):
        return self.replay()

    def replay(self) -> Any:
        if not self.is_replaying:
            return None
        self.replayed += 1
        step = self.steps[self.replayed - 1]
        return step.model_copy(deep=True) if isinstance(step, LlmResponse) else step

    async def after_model_callback(self, *, callback_context, llm_response):
        if not self.is_replaying:
            self.steps.append(llm_response.model_copy(deep=True))

    async def after_tool_callback(self, *, tool, tool_args, tool_context, result):
        if not self.is_replaying:
            self.steps.append(result)


class ModelEngine(Engine):
    """One whose model is entered again, as Temporal's is, and asks nobody then."""

    async def before_model_callback(self, *, callback_context, llm_request):
        return None


class Model(Scripted):
    """Asks its script, unless an engine knows the answer."""

    async def generate_content_async(self, llm_request, stream=False):
        engine = self.engine[0]
        if isinstance(engine, ModelEngine) and (answer := engine.replay()):
            yield answer
            return
        async for response in super().generate_content_async(llm_request, stream):
            yield response

    engine: list


def rate(year: str) -> str:
    """Gives a rate."""
    asked.append(year)
    return "5%"


asked: list[str] = []
"""What the tool was really asked."""


async def twice(folder, engine, is_replaying, words="How dear?"):
    """Has a turn taken, and taken again by the engine."""
    asked.clear()
    script = {"Root": [call("rate", year="2026"), "It is 5%."]}
    model = Model(script=script, tokens=(100, 10), engine=[engine])

    def again(events):
        engine.is_replaying = True
        return types.UserContent(words)

    options = {"plugins": [engine], "is_replaying": is_replaying, "model": model}
    root = agent("Root", model, tools=[rate])
    return await record(root, ["How dear?", again], folder, **options)


@pytest.mark.parametrize("kind", [Engine, ModelEngine])
async def test_what_is_replayed_is_told_and_counts_once(kind, tmp_path, capsys):
    engine = kind()

    flow = await twice(tmp_path, engine, lambda: engine.is_replaying)

    assert (engine.replayed, asked) == (3, ["2026"])
    first, again = flow.figures
    assert (first.llm_calls, first.tool_calls, first.input_tokens) == (2, 1, 200)
    assert (again.llm_calls, again.tool_calls, again.input_tokens) == (0, 0, 0)
    assert (first.replayed_llm_calls, again.replayed_llm_calls) == (0, 2)
    assert again.answer == "It is 5%."
    print_flow(flow.log, plain_console(), "both")
    assert "0 LLM calls (2 more replayed)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "calls"), [("How dear?", (0, 0, 0, 2)), ("And now?", (None, 0, 2, 0))]
)
async def test_what_nobody_calls_replayed_is_known_by_words_and_answer(tmp_path, words, calls):
    flow = await twice(tmp_path, Engine(), None, words)

    first, again = flow.figures
    assert first.llm_calls == 2
    counts = again.seen_llm_calls, again.unseen_llm_calls, again.replayed_llm_calls
    assert (again.llm_calls, *counts) == calls


async def test_an_app_that_cannot_say_loses_no_record(tmp_path):
    def broken():
        raise RuntimeError("no engine here")

    with pytest.raises(AssertionError, match="is_replaying: RuntimeError: no engine here"):
        await twice(tmp_path, Engine(), broken)
