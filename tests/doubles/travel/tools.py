"""What agents can do."""

from google.adk.agents.callback_context import CallbackContext
from google.adk.tools.tool_context import ToolContext


def memorize(key: str, value: str, tool_context: ToolContext) -> dict[str, str]:
    """Keeps a fact of the trip."""
    tool_context.state[key] = value
    return {"status": f"kept {key}"}


def book_room(city: str, nights: int) -> dict[str, str]:
    """Books a room."""
    return {"booking": f"{nights} nights in {city}, no. 42"}


def suggest(mood: str) -> str:
    """Suggests a place."""
    return f"For a {mood} week take Porto."


def load_itinerary(callback_context: CallbackContext) -> None:
    """Puts an itinerary into the state."""
    callback_context.state["itinerary"] = "none yet"
