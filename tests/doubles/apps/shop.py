"""An App with plugins of its own: one answers in the model's place, one watches tools."""

from google.adk.agents import LlmAgent
from google.adk.apps import App
from google.adk.models.llm_response import LlmResponse
from google.adk.plugins.base_plugin import BasePlugin
from google.genai import types


class Closed(BasePlugin):
    """Answers by itself what is asked out of hours."""

    async def before_model_callback(self, *, callback_context, llm_request):
        """Gives an answer of its own."""
        asked = callback_context.user_content.parts[0].text
        if asked == "At night?":
            return LlmResponse(content=types.ModelContent("We are closed."))
        return None


class Stocktaking(BasePlugin):
    """Counts tool calls in the state, and answers one in the tool's place."""

    async def before_tool_callback(self, *, tool, tool_args, tool_context):
        """Counts a call."""
        tool_context.state["calls"] = tool_context.state.get("calls", 0) + 1
        return {"stock": 0} if tool_args.get("article") == "moon" else None


def stock(article: str) -> dict:
    """Looks up how many there are of an article."""
    return {"stock": 3}


clerk = LlmAgent(name="clerk", model="gemini-2.5-flash", description="Sells.", tools=[stock])
app = App(name="shop", root_agent=clerk, plugins=[Closed("closed"), Stocktaking("stocktaking")])
