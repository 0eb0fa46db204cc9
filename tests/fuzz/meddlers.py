"""Plugins and callbacks that now and then answer in the place of an agent, model or tool, or raise.

ADK asks the same questions of plugins and of an agent's own callbacks.
"""

from typing import Any

from google.adk.models.base_llm import BaseLlm
from google.adk.models.llm_response import LlmResponse
from google.adk.plugins.base_plugin import BasePlugin
from google.genai import types

from tests.fuzz.books import current

TOKENS = types.GenerateContentResponseUsageMetadata(
    prompt_token_count=7, candidates_token_count=1, total_token_count=8
)


class Meddler(BasePlugin):
    """Answers or raises at some of ADK's hooks."""

    def __init__(self, name: str, hooks: set[str], *, raises: bool, asks: BaseLlm) -> None:
        super().__init__(name=name)
        self._hooks, self._raises, self._asks = hooks, raises, asks

    def _meddles(self, hook: str) -> bool:
        books = current.get()
        if hook not in self._hooks:
            return False
        if self._raises and books.chance(0.02):
            raise RuntimeError(f"{self.name} broke in {hook}")
        return books.chance(0.1)

    async def before_agent_callback(self, *, callback_context: Any, **_: Any) -> Any:
        if not self._meddles("before_agent"):
            return None
        books, agent = current.get(), callback_context.agent_name
        books.begun.append((books.turn, agent))
        return types.ModelContent(f"Not {agent}.")

    async def after_agent_callback(self, *, callback_context: Any, **_: Any) -> Any:
        agent = callback_context.agent_name
        return types.ModelContent(f"After {agent}.") if self._meddles("after_agent") else None

    async def before_model_callback(
        self, *, callback_context: Any, llm_request: Any, **_: Any
    ) -> Any:
        if not self._meddles("before_model"):
            return None
        books, agent = current.get(), callback_context.agent_name
        books.begun.append((books.turn, agent))
        answer = LlmResponse(content=types.ModelContent(f"For {agent}."))
        way = books.dice.choice(["words", "words", "tokens", "asks"])
        if way == "tokens":
            books.unseen.append((books.turn, agent))
            answer.usage_metadata = TOKENS
        elif way == "asks":
            config = llm_request.config.model_copy(update={"labels": {"adk_agent_name": agent}})
            request = llm_request.model_copy(update={"config": config, "tools_dict": {}})
            (answer,) = [one async for one in self._asks.generate_content_async(request)]
        return answer

    async def after_model_callback(self, *, llm_response: Any, **_: Any) -> Any:
        parts = (llm_response.content.parts or []) if llm_response.content else []
        if llm_response.partial or any(part.function_call for part in parts):
            return None
        if not self._meddles("after_model"):
            return None
        return llm_response.model_copy(update={"content": types.ModelContent("In other words.")})

    async def on_model_error_callback(self, **_: Any) -> Any:
        if not self._mends("model_error"):
            return None
        if self.name == "before":  # the recorder does not see that it failed
            books = current.get()
            books.hidden.add(books.turn)
        return LlmResponse(content=types.ModelContent("The model failed."))

    async def before_tool_callback(self, **_: Any) -> Any:
        return {"result": "not asked"} if self._meddles("before_tool") else None

    async def after_tool_callback(self, **_: Any) -> Any:
        return {"result": "otherwise"} if self._meddles("after_tool") else None

    async def on_tool_error_callback(self, **_: Any) -> Any:
        return {"error": "mended"} if self._mends("tool_error") else None

    def _mends(self, hook: str) -> bool:
        return hook in self._hooks and current.get().chance(0.7)


HOOKS = (
    *("before_agent", "after_agent", "before_model", "after_model", "model_error"),
    *("before_tool", "after_tool", "tool_error"),
)


def callbacks(meddler: Meddler, *, is_model_agent: bool) -> dict[str, Any]:
    """Gives a plugin's hooks as an agent's own callbacks."""

    async def before_tool(tool: Any, args: Any, tool_context: Any) -> Any:
        return await meddler.before_tool_callback()

    async def after_tool(tool: Any, args: Any, tool_context: Any, tool_response: Any) -> Any:
        return await meddler.after_tool_callback()

    async def tool_error(tool: Any, args: Any, tool_context: Any, error: Any) -> Any:
        return await meddler.on_tool_error_callback()

    of_agent = {
        "before_agent_callback": meddler.before_agent_callback,
        "after_agent_callback": meddler.after_agent_callback,
    }
    of_models = {
        "before_model_callback": meddler.before_model_callback,
        "after_model_callback": meddler.after_model_callback,
        "on_model_error_callback": meddler.on_model_error_callback,
        "before_tool_callback": before_tool,
        "after_tool_callback": after_tool,
        "on_tool_error_callback": tool_error,
    }
    return of_agent | of_models if is_model_agent else of_agent
