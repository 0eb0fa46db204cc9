"""A task agent that talks with the user, and a single-turn agent that does not."""

from google.adk.agents import Agent


def save_profile(person: str) -> dict:
    """Saves a new colleague's profile."""
    return {"saved": person}


interviewer = Agent(
    name="interviewer", description="Asks for the name.", mode="task", tools=[save_profile]
)
translator = Agent(name="translator", description="Translates a text.", mode="single_turn")
root_agent = Agent(
    name="onboarding", model="gemini-2.5-flash", sub_agents=[interviewer, translator]
)
