"""A limit to what live runs may spend, in dollars and in model calls."""

from __future__ import annotations

from google.adk.agents.callback_context import CallbackContext
from google.adk.models.llm_request import LlmRequest
from google.adk.models.llm_response import LlmResponse
from google.adk.plugins.base_plugin import BasePlugin

from adk_flow.analysis.pricing import dollars, is_priced
from adk_flow.record.extract import of_usage, version_of


class BudgetSpentError(RuntimeError):
    """A model call that the budget has no room for."""


class Budget(BasePlugin):
    """Refuses model calls, those in AgentTool's nested runs too, once a limit is reached.

    What is in flight when a dollar limit is reached is still paid for: its price is known only
    once it has come back.
    """

    def __init__(self, *, dollars: float | None = None, calls: int | None = None) -> None:
        super().__init__(name="adk_flow_budget")
        self.limit_dollars = dollars
        self.limit_calls = calls
        self.dollars = 0.0
        self.calls = 0
        self.refused = ""
        """Why a call was refused; empty while none was."""
        self.unmeasured = ""
        """A model that reported no tokens, so that no limit in dollars can hold."""
        self._models: dict[str, str] = {}
        """The model last asked, by session."""

    @property
    def is_blind(self) -> bool:
        """Whether nothing limits the runs: their cost cannot be known, nor are calls counted."""
        return bool(self.unmeasured and self.limit_calls is None)

    async def before_model_callback(
        self, *, callback_context: CallbackContext, llm_request: LlmRequest
    ) -> None:
        """Counts a call.

        Raises:
          BudgetSpentError: a limit is reached.
        """
        self.refused = self.refused or self._spent()
        if self.refused:
            raise BudgetSpentError(self.refused)
        self.calls += 1
        self._models[_place(callback_context)] = llm_request.model or ""

    async def after_model_callback(
        self, *, callback_context: CallbackContext, llm_response: LlmResponse
    ) -> None:
        """Adds up what a call cost."""
        if llm_response.partial:
            return
        model, version = self._models.get(_place(callback_context), ""), version_of(llm_response)
        usage = of_usage(llm_response.usage_metadata)
        if usage is None:
            self.unmeasured = self.unmeasured or model
        else:
            self.dollars += dollars(version if is_priced(version) else model, usage) or 0

    def _spent(self) -> str:
        if self.is_blind:
            return f"{self.unmeasured} reports no tokens, so that its cost cannot be known"
        if self.limit_calls is not None and self.calls >= self.limit_calls:
            return f"the budget of {self.limit_calls:,} model calls is spent"
        if self.limit_dollars is not None and self.dollars >= self.limit_dollars:
            return f"the budget of ${self.limit_dollars:g} is spent (${self.dollars:.4f})"
        return ""


def _place(context: CallbackContext) -> str:
    invocation = context._invocation_context
    return f"{invocation.session.id} {invocation.branch or ''} {context.agent_name}"
