"""A model that decides by dice among what it is offered, and keeps books."""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from typing import Any

from google.adk.models.base_llm import BaseLlm
from google.adk.models.llm_request import LlmRequest
from google.adk.models.llm_response import LlmResponse
from google.genai import types

from tests.fuzz.books import Books, Call, current

TRANSFER, FINISH = "transfer_to_agent", "finish_task"


class Dice(BaseLlm):
    """Decides at random among what the request offers: words, hand-overs, calls, faults."""

    model: str = "dice"
    faults: bool = False
    repeats_ids: bool = False
    explains: bool = True
    """Whether it says words beside its calls."""

    async def generate_content_async(
        self, llm_request: LlmRequest, stream: bool = False
    ) -> AsyncGenerator[LlmResponse, None]:
        books = current.get()
        agent = (llm_request.config.labels or {}).get("adk_agent_name", "")
        call = Call(books.turn, agent)
        books.calls.append(call)
        books.begun.append((books.turn, agent))
        parts = self._decide(llm_request, agent, books)
        sent, said = books.dice.randint(10, 99), books.dice.randint(1, 9)
        call.sent = call.said = None  # it may be cancelled now
        await asyncio.sleep(books.dice.randint(1, 9) / 8)
        call.sent = call.said = 0
        if self.faults and books.chance(0.04):
            raise RuntimeError("dice fell off the table")
        for response in _responses(parts, stream=stream, books=books):
            if response.partial:
                call.sent = call.said = None
            else:
                call.sent, call.said = sent, said
                response.usage_metadata = _usage(sent, said)
            yield response
            if response.partial:
                await asyncio.sleep(books.dice.randint(0, 2) / 8)

    def _decide(self, request: LlmRequest, agent: str, books: Books) -> list[types.Part]:
        words = f"{agent} says {len(books.calls)}."
        if request.config.response_schema or not request.tools_dict:
            return [types.Part(text=words)]
        chosen = self._choose(request, agent, books) if books.decisions_left > 0 else []
        books.decisions_left -= len(chosen)
        if chosen:
            return (
                [types.Part(text=words), *chosen] if self.explains and books.chance(0.3) else chosen
            )
        if FINISH in request.tools_dict:
            return [_call(FINISH, **_arguments(request, FINISH, words))]
        return [types.Part(text=words)]

    def _choose(self, request: LlmRequest, agent: str, books: Books) -> list[types.Part]:
        dice, targets = books.dice, _targets(request)
        tools = [name for name in request.tools_dict if name not in (TRANSFER, FINISH)]
        choice = dice.random()
        if targets and choice < 0.3:
            target = dice.choice(targets)
            books.transfers.add((agent, target))
            return [_call(TRANSFER, agent_name=target)]
        if tools and choice < 0.75:
            names = _chosen_tools(request, tools, books)
            return [self._asked(request, name) for name in names]
        if self.faults and choice > 0.98:
            return [_call(TRANSFER, agent_name="Nobody")] if targets else [_call("no_such_tool")]
        return []

    def _asked(self, request: LlmRequest, name: str) -> types.Part:
        part = _call(name, **_arguments(request, name, f"Do {name}."))
        if self.repeats_ids and part.function_call is not None:
            part.function_call.id = f"call_{name}"
        return part


def _responses(parts: list[types.Part], *, stream: bool, books: Books) -> Iterator[LlmResponse]:
    """Gives an answer as one response, or, streamed, in parts and now and then several wholes."""
    text = parts[0].text
    if stream and text:
        yield LlmResponse(content=types.ModelContent(text[:3]), partial=True)
        if len(parts) > 1 and books.chance(0.5):
            yield LlmResponse(content=types.Content(role="model", parts=parts[:1]))
            parts = parts[1:]
    yield LlmResponse(content=types.Content(role="model", parts=parts))


def _usage(sent: int, said: int) -> types.GenerateContentResponseUsageMetadata:
    return types.GenerateContentResponseUsageMetadata(
        prompt_token_count=sent, candidates_token_count=said, total_token_count=sent + said
    )


def _call(name: str, **arguments: Any) -> types.Part:
    return types.Part(function_call=types.FunctionCall(name=name, args=arguments))


def _targets(request: LlmRequest) -> list[str]:
    tool = request.tools_dict.get(TRANSFER)
    return list(getattr(tool, "_agent_names", ()))


def _chosen_tools(request: LlmRequest, tools: list[str], books: Books) -> list[str]:
    """One task, or up to three others."""
    tasks = [name for name in tools if _is_task(request, name)]
    if tasks and books.chance(0.5):
        return [books.dice.choice(tasks)]
    free = [name for name in tools if name not in tasks]
    return books.dice.sample(free, min(len(free), books.dice.randint(1, 3)))


def _is_task(request: LlmRequest, name: str) -> bool:
    return getattr(getattr(request.tools_dict[name], "agent", None), "mode", "") == "task"


def _arguments(request: LlmRequest, name: str, words: str) -> dict[str, Any]:
    declaration = request.tools_dict[name]._get_declaration()
    if declaration is None:
        return {}
    schema = declaration.parameters_json_schema or {}
    names = list(schema.get("required", schema.get("properties", {}))) or list(
        (declaration.parameters.properties or {}) if declaration.parameters else {}
    )
    return dict.fromkeys(names, words)
