"""A plan that plays in another process: what its model asks there, and what it is answered."""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from google.adk.models.llm_request import LlmRequest
from pydantic import PrivateAttr

from adk_flow.models.keyless import KeylessModel
from adk_flow.models.planned.model import Planned
from adk_flow.models.planned.turn import PlanError
from adk_flow.models.planned.view import RequestView, read_view
from adk_flow.scenario.plan import PlannedCall


class PlanQuestion(msgspec.Struct, tag=True, omit_defaults=True):
    """What is asked of a plan: an agent's next step, or what a tool returns."""

    plan: str
    """Which plan, of those that play at once."""
    view: RequestView | None = None
    tool: tuple[str, str, dict[str, Any]] | None = None
    """The agent, the tool and its arguments."""


class PlanAnswer(msgspec.Struct, omit_defaults=True):
    """What the plan says."""

    text: str = ""
    calls: list[tuple[str, dict[str, Any]]] = []
    stub: PlannedCall | None = None
    """What comes of the tool; None where it is run."""
    struck: bool = False
    """Whether a fault strikes."""
    fault: str = ""
    """Why the step is impossible."""


def answer_question(planned: Planned, question: PlanQuestion) -> PlanAnswer:
    """Answers where the plan plays."""
    if question.tool:
        return PlanAnswer(stub=planned.stub(*question.tool))
    try:
        text, calls = planned.next_step(question.view) if question.view else ("", [])
    except PlanError as error:
        return PlanAnswer(fault=str(error))
    return PlanAnswer(text, [*calls])


class RelayedPlan(KeylessModel):
    """A model that asks for each step where the plan plays."""

    model: str = "planned"
    _plan: str = PrivateAttr()
    _ask: Callable[[PlanQuestion], PlanAnswer] = PrivateAttr()

    def __init__(self, plan: str, ask: Callable[[PlanQuestion], PlanAnswer]) -> None:
        super().__init__(model="planned")
        self._plan, self._ask = plan, ask

    def decide(self, request: LlmRequest) -> tuple[str, Sequence[tuple[str, dict[str, Any]]]]:
        """Gives the next step of the agent that asks.

        Raises:
          PlanError: it is impossible.
        """
        answer = self._ask(PlanQuestion(self._plan, view=read_view(request)))
        if answer.fault:
            raise PlanError(answer.fault)
        return answer.text, answer.calls

    def stub(self, agent: str, tool: str, arguments: dict[str, Any]) -> PlannedCall | None:
        """Gives what the plan says that comes of a tool; None where it is run."""
        return self._ask(PlanQuestion(self._plan, tool=(agent, tool, arguments))).stub
