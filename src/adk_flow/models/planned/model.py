"""A model that plays a turn's plan under any construct, be it from another process."""

import threading
from collections.abc import AsyncGenerator
from typing import Any

from google.adk.models.llm_request import LlmRequest
from google.adk.models.llm_response import LlmResponse
from pydantic import PrivateAttr

from adk_flow._adk import BaseNode
from adk_flow.models.keyless import KeylessAnswer, KeylessModel
from adk_flow.models.planned.agent_map import AgentMap
from adk_flow.models.planned.steps import PlannedStep
from adk_flow.models.planned.turn import PlanError, PlannedTurn
from adk_flow.models.planned.view import RequestView, read_view
from adk_flow.scenario.conversation import AskedTurn
from adk_flow.scenario.plan import PlannedCall


class Planned(KeylessModel):
    """Answers every agent's requests of one turn by that turn's plan; reads no natural language.

    What it does follows from the request (functions, targets, schema, what has happened in this
    turn) and from the app's agents: who stands below whom.
    """

    model: str = "planned"
    _turn: PlannedTurn = PrivateAttr()
    _lock: Any = PrivateAttr(default_factory=threading.Lock)

    def __init__(self, turn: AskedTurn, root: BaseNode) -> None:
        """Takes the turn, whose plan may be empty, and the root of the agents that answer it."""
        super().__init__(model="planned")
        self._turn = PlannedTurn(turn.say, turn.plan or [], AgentMap(root))

    def stub(self, agent: str, tool: str, arguments: dict[str, Any]) -> PlannedCall | None:
        """Gives the call by which the plan says what a tool returns; None where it is run."""
        with self._lock:
            return self._turn.stub(agent, tool, arguments)

    @property
    def turn(self) -> PlannedTurn:
        """How far the turn has come."""
        return self._turn

    def decide(self, request: LlmRequest) -> KeylessAnswer:
        """Gives the next step; a PlanError if it, or one before in the turn, is impossible."""
        if advice := self._advice(request):
            return advice, []
        return self.next_step(read_view(request))

    async def generate_content_async(
        self, llm_request: LlmRequest, stream: bool = False
    ) -> AsyncGenerator[LlmResponse, None]:
        """Gives the answer; one in a stronger model's place in that model's name, at its price."""
        async for response in super().generate_content_async(llm_request, stream):
            if self._advice(llm_request):
                response.model_version = llm_request.model
            yield response

    def _advice(self, request: LlmRequest) -> str:
        """Gives what a consulted model says; no agent asks it (2.13, model_consult/_advisor.py)."""
        if (request.config.labels or {}).get("adk_agent_name"):
            return ""
        parts = [part.text or "" for content in request.contents for part in content.parts or ()]
        return self._turn.advise(parts[-1]) if parts else ""

    def next_step(self, view: RequestView) -> KeylessAnswer:
        """Does so by what the request shows, which another process may have read.

        Raises:
          PlanError: it is impossible, or one before it in this turn was.
        """
        with self._lock:
            if self._turn.fault:
                raise PlanError(self._turn.fault)
            return PlannedStep(self._turn, view).decide()
