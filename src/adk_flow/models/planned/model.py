"""A model that plays a turn's plan under any construct; it reads no natural language."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, Any

from google.adk.models.base_llm import BaseLlm
from google.adk.models.llm_request import LlmRequest
from google.adk.models.llm_response import LlmResponse
from google.genai import types
from pydantic import PrivateAttr

from adk_flow._adk import BaseNode
from adk_flow.models.planned.agent_map import AgentMap
from adk_flow.models.planned.steps import next_step
from adk_flow.models.planned.turn import PlanError, PlannedTurn
from adk_flow.models.planned.view import read_view
from adk_flow.models.request.tokens import usage
from adk_flow.scenario.conversation import AskedTurn

if TYPE_CHECKING:
    from google.adk.models import LlmCapabilities


class Planned(BaseLlm):
    """Answers every agent's requests of one turn by that turn's plan.

    What it does follows from the request (functions, targets, schema, what has happened in this
    turn) and from the app's agents: who stands below whom.
    """

    model: str = "planned"
    _turn: PlannedTurn = PrivateAttr()

    def __init__(self, turn: AskedTurn, root: BaseNode) -> None:
        """Takes the turn, whose plan may be empty, and the root of the agents that answer it."""
        super().__init__(model="planned")
        self._turn = PlannedTurn(turn.say, turn.plan or [], AgentMap(root))

    @property
    def capabilities(self) -> LlmCapabilities:
        """Says that a schema and tools do not go together, as with most models."""
        # Here, because releases that do not ask for it (1.39.1, 2.0.0) do not have the class.
        from google.adk.models import LlmCapabilities

        return LlmCapabilities(output_schema_and_tools=False)

    def stub(self, agent: str, tool: str, arguments: dict[str, Any]) -> Any:
        """Gives what the plan says that a tool returns; `msgspec.UNSET` where it is run."""
        return self._turn.stub(agent, tool, arguments)

    @property
    def fault(self) -> str:
        """Why a step was impossible; empty while none was."""
        return self._turn.fault

    @property
    def left_over(self) -> list[str]:
        """Names the tasks that nobody was asked for, with their agents."""
        return [
            task.agent if task.label == task.agent else f"{task.agent} ({task.label})"
            for task in self._turn.left_over
        ]

    async def generate_content_async(
        self, llm_request: LlmRequest, stream: bool = False
    ) -> AsyncGenerator[LlmResponse, None]:
        """Gives the next step of the agent that asks.

        Raises:
          PlanError: it is impossible, or one before it in this turn was.
        """
        if self.fault:
            raise PlanError(self.fault)
        text, calls = next_step(self._turn, read_view(llm_request))
        parts = [types.Part(text=text)] if text else []
        parts += [
            types.Part.from_function_call(name=one.function, args=one.arguments) for one in calls
        ]
        content = types.ModelContent(parts)
        yield LlmResponse(
            content=content,
            partial=False,
            finish_reason=types.FinishReason.STOP,
            usage_metadata=usage(llm_request, content),
            model_version=self.model,
        )
