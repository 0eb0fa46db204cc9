"""The peers of `fanout.py`: one lead, n calls of a child agent, in each framework.

Run by `fanout.py`, each peer in a process of its own: `python fanout_peers.py PEER URL` takes a
turn for each line `{"n": 3}` on its input and prints its seconds as a line of JSON.
"""

# Most of what is imported here is installed by the benchmark alone.
# pyright: reportMissingImports=false

from __future__ import annotations

import asyncio
import cProfile
import gc
import json
import os
import sys
import tempfile
import time
import warnings
from collections.abc import Awaitable, Callable
from typing import Any

MODEL = "gpt-4-turbo"
LEAD = "Ask the child about every part, then sum up."
CHILD = "Answer about the part that you are asked about."
ABOUT = "Answers a question about one part."
AT_ONCE = 1000  # more connections than any n, where a framework sets a bound

Turn = Callable[[], Awaitable[str]]
"""Takes one turn and gives the last answer."""


def words_of(n: int) -> str:
    """Asks for n parts."""
    return f"There are {n} parts. What of each?"


def gather(url: str, n: int, *_: str) -> Turn:
    """The same model calls with the bare client of OpenAI's package: the floor."""
    import openai

    # Version 2, which LiteLLM needs, has httpx by default, whose pool takes seconds for n = 200.
    http = openai.DefaultAsyncHttpx2Client() if openai.__version__ < "3" else None
    client = openai.AsyncOpenAI(base_url=url, api_key="none", http_client=http)
    properties = {"request": {"type": "string"}}
    function = {
        "name": "child",
        "description": ABOUT,
        "parameters": {"type": "object", "properties": properties, "required": ["request"]},
    }
    tools: Any = [{"type": "function", "function": function}]

    async def ask_child(call: Any) -> dict[str, str]:
        asked = json.loads(call.function.arguments)["request"]
        messages: Any = [
            {"role": "system", "content": CHILD},
            {"role": "user", "content": asked},
        ]
        answer = await client.chat.completions.create(model=MODEL, messages=messages)
        text = answer.choices[0].message.content or ""
        return {"role": "tool", "tool_call_id": call.id, "content": text}

    async def turn() -> str:
        messages: Any = [
            {"role": "system", "content": LEAD},
            {"role": "user", "content": words_of(n)},
        ]
        first = await client.chat.completions.create(model=MODEL, messages=messages, tools=tools)
        message = first.choices[0].message
        messages.append(message.model_dump(exclude_none=True))
        messages += await asyncio.gather(*map(ask_child, message.tool_calls or ()))
        last = await client.chat.completions.create(model=MODEL, messages=messages, tools=tools)
        return last.choices[0].message.content or ""

    return turn


def adk(url: str, n: int, construct: str, *options: str) -> Turn:
    """ADK under a construct; with `recorded` adk-flow's plugin is on, with `openai` no LiteLLM."""
    os.environ.update(OPENAI_API_KEY="none", OPENAI_BASE_URL=url)
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    if "imported" in options:
        # Each run of a node tries to import this; without a2a-sdk it fails anew, for 0.5 ms.
        sys.modules.setdefault("google.adk.agents.remote_a2a_agent", None)  # type: ignore[arg-type] - bars it
    from google.adk.agents import LlmAgent
    from google.adk.apps import App
    from google.adk.runners import Runner
    from google.adk.sessions import InMemorySessionService
    from google.genai import types

    from adk_flow.record.plugin import FlowPlugin
    from adk_flow.wiring import wire

    model = _adk_model(options)
    lead = LlmAgent(name="lead", model=model, instruction=LEAD)
    names = ["child"]
    if construct == "coordinator":
        names = [f"child_{number}" for number in range(n)]
    children = [
        LlmAgent(name=name, model=model, description=ABOUT, instruction=CHILD) for name in names
    ]
    root = wire(lead, children, construct)
    folder = tempfile.mkdtemp(prefix="fanout-")
    plugins = [FlowPlugin(directory=folder)] if "recorded" in options else []
    app = App(name="app", root_agent=root, plugins=[*plugins])
    runner = Runner(app=app, session_service=InMemorySessionService())

    async def turn() -> str:
        session = await runner.session_service.create_session(app_name="app", user_id="u")
        text = ""
        async for event in runner.run_async(
            user_id="u", session_id=session.id, new_message=types.UserContent(words_of(n))
        ):
            if event.is_final_response() and event.content and event.content.parts:
                text = event.content.parts[-1].text or text
        return text

    return turn


def _adk_model(options: tuple[str, ...]) -> Any:
    if "openai" in options:
        import openai
        from google.adk.integrations.openai import OpenAILlm

        http = openai.DefaultAsyncHttpx2Client() if "httpx2" in options else _http(options)
        client = openai.AsyncOpenAI(http_client=http)
        if "untyped" in options:
            _send_untyped(client)
        return OpenAILlm(model=MODEL, client=client)
    from google.adk.models.lite_llm import LiteLlm

    return LiteLlm(model=f"openai/{MODEL}")


def _send_untyped(client: Any) -> None:
    """Sends messages and tools as they are; the client looks through their types for each call.

    Retries, time limits and streaming stay the client's; ADK's messages are JSON already.
    """
    create = client.chat.completions.create

    async def send(*, messages: Any, extra_body: Any = None, **given: Any) -> Any:
        body = {name: given.pop(name) for name in ("tools",) if given.get(name)}
        body |= {"messages": messages, **(extra_body or {})}
        return await create(messages=[], extra_body=body, **given)

    client.chat.completions.create = send


def _http(options: tuple[str, ...]) -> Any:
    """Gives aiohttp in place of a client's own HTTP, if so asked."""
    import openai

    return openai.DefaultAioHttpClient() if "aiohttp" in options else None


def openai_agents(url: str, n: int, *options: str) -> Turn:
    """OpenAI's Agents SDK: the child `as_tool`, without its tracing, which sends to OpenAI."""
    import agents
    from openai import AsyncOpenAI

    agents.set_tracing_disabled(True)
    client = AsyncOpenAI(base_url=url, api_key="none", http_client=_http(options))
    model = agents.OpenAIChatCompletionsModel(model=MODEL, openai_client=client)
    child = agents.Agent(name="child", instructions=CHILD, model=model)
    tools = [child.as_tool(tool_name="child", tool_description=ABOUT)]
    lead = agents.Agent(name="lead", instructions=LEAD, model=model, tools=tools)

    async def turn() -> str:
        return (await agents.Runner.run(lead, words_of(n))).final_output

    return turn


def langgraph(url: str, n: int, *options: str) -> Turn:
    """LangGraph: a react agent whose tool runs another react agent."""
    from langchain_core.tools import tool
    from langchain_openai import ChatOpenAI
    from langgraph.prebuilt import create_react_agent

    model = ChatOpenAI(model=MODEL, base_url=url, api_key="none", http_async_client=_http(options))
    child = create_react_agent(model, [], prompt=CHILD, name="child")

    async def ask(request: str) -> str:
        result = await child.ainvoke({"messages": [("user", request)]})
        return result["messages"][-1].content

    tools = [tool("child", description=ABOUT)(ask)]
    lead = create_react_agent(model, tools, prompt=LEAD, name="lead")

    async def turn() -> str:
        result = await lead.ainvoke(
            {"messages": [("user", words_of(n))]}, {"max_concurrency": AT_ONCE}
        )
        return result["messages"][-1].content

    return turn


def pydantic_ai(url: str, n: int, *options: str) -> Turn:
    """Pydantic AI: a tool that delegates to another agent."""
    from openai import AsyncOpenAI
    from pydantic_ai import Agent
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.providers.openai import OpenAIProvider

    client = AsyncOpenAI(base_url=url, api_key="none", http_client=_http(options))
    model = OpenAIChatModel(MODEL, provider=OpenAIProvider(openai_client=client))
    child = Agent(model, instructions=CHILD)
    lead = Agent(model, instructions=LEAD)

    @lead.tool_plain(name="child", description=ABOUT)
    async def ask(request: str) -> str:
        return (await child.run(request)).output

    async def turn() -> str:
        return (await lead.run(words_of(n))).output

    return turn


def build(peer: str, url: str, n: int) -> Turn:
    """Makes a peer's agents."""
    kind, *options = peer.split("+")
    return globals()[kind](url, n, *options)


def main() -> None:
    """Takes turns as they are asked for."""
    warnings.filterwarnings("ignore")
    # What a framework prints goes beside the answers.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    peer, url = sys.argv[1:]
    turns: dict[int, Turn] = {}
    with asyncio.Runner() as runner:
        for line in sys.stdin:
            asked = json.loads(line)
            n = asked["n"]
            is_new = n not in turns
            if is_new:
                turns[n] = build(peer, url, n)
            answers.write(json.dumps(_timed(runner, turns[n], asked["profile"])) + "\n")
            if is_new and "frozen" in peer:
                # What is loaded stays; else each full collection walks all of it, in mid-turn.
                gc.collect()
                gc.freeze()


def _timed(runner: asyncio.Runner, turn: Turn, profiled: str) -> dict[str, Any]:
    profile = cProfile.Profile()

    async def timed() -> dict[str, Any]:
        began, used = time.perf_counter(), time.process_time()
        if profiled:
            profile.enable()
        answer = await turn()
        profile.disable()
        seconds, cpu = time.perf_counter() - began, time.process_time() - used
        await asyncio.sleep(0.05)  # lets what a framework does afterwards come to its end
        return {"seconds": seconds, "cpu": cpu, "answer": answer}

    result = runner.run(timed())
    if profiled:
        profile.dump_stats(profiled)
    return result


if __name__ == "__main__":
    main()
