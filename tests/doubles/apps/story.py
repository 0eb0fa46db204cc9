"""A custom BaseAgent that holds its agents as fields, and decides in code."""

from collections.abc import AsyncGenerator

from google.adk.agents import BaseAgent, LlmAgent
from google.adk.agents.invocation_context import InvocationContext
from google.adk.events import Event


class StoryFlow(BaseAgent):
    """Writes a story, and once more if its mood is sad."""

    teller: LlmAgent
    judge: LlmAgent

    async def _run_async_impl(self, ctx: InvocationContext) -> AsyncGenerator[Event, None]:
        async for event in self.teller.run_async(ctx):
            yield event
        async for event in self.judge.run_async(ctx):
            yield event
        if ctx.session.state.get("mood") == "sad":
            async for event in self.teller.run_async(ctx):
                yield event


teller = LlmAgent(name="teller", model="gemini-2.5-flash", output_key="story")
judge = LlmAgent(name="judge", model="gemini-2.5-flash", output_key="mood")
root_agent = StoryFlow(
    name="story", description="Tells stories.", teller=teller, judge=judge, sub_agents=[teller]
)
