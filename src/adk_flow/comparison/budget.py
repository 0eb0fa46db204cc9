"""A limit to what live runs may spend, in dollars and in model calls."""

from __future__ import annotations

from google.adk.agents.callback_context import CallbackContext
from google.adk.models.llm_request import LlmRequest
from google.adk.plugins.base_plugin import BasePlugin

from adk_flow.analysis.pricing import dollars, is_priced
from adk_flow.log.schema import Header, Record, Usage


class BudgetSpentError(RuntimeError):
    """A model call that the budget has no room for."""


class Budget(BasePlugin):
    """Refuses model calls, those in AgentTool's nested runs too, once a limit is reached.

    What is in flight when a dollar limit is reached is still paid for: its price is known only
    once it has come back. So it is with calls past ADK's hooks, as a fallback's attempts or a
    tool's own: nothing could refuse them, and the next call of an agent is refused instead.
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
        self._asked: dict[tuple[str, int], tuple[str, float]] = {}
        """The model last asked, and the price so far of its answer, by session and activation."""

    @property
    def is_blind(self) -> bool:
        """Whether nothing limits the runs: their cost cannot be known, nor are calls counted."""
        return bool(self.unmeasured and self.limit_calls is None)

    async def before_model_callback(
        self, *, callback_context: CallbackContext, llm_request: LlmRequest
    ) -> None:
        """Counts a call; see `take`."""
        self.take()

    def take(self) -> None:
        """Counts a call.

        Raises:
          BudgetSpentError: a limit is reached.
        """
        self.refused = self.refused or self._spent()
        if self.refused:
            raise BudgetSpentError(self.refused)
        self.calls += 1

    def listen(self, header: Header, record: Record) -> None:
        """Adds up what calls cost, as a recorder tells of them; counts those past ADK's hooks."""
        place = header.session, record.activation
        if record.hook == "before_model":
            self._asked[place] = record.model, 0
        elif record.hook == "model_call":
            self.calls += 1
            self._pay(record, record.model)
        elif record.hook == "after_model" and not record.partial:
            model, paid = self._asked.get(place, ("", 0))
            # Of several whole responses each tells the usage of all so far.
            self._asked[place] = model, self._pay(record, record.model or model, paid)

    def _pay(self, record: Record, model: str, paid: float = 0) -> float:
        """Takes the price of a call, less what was paid of it; gives the price."""
        if record.usage is None and record.error:
            return paid
        return self.pay(model, record.version, record.usage, paid)

    def pay(self, model: str, version: str, usage: Usage | None, paid: float = 0) -> float:
        """Takes the price of an answer, less what was paid of it; gives the price."""
        if usage is None:
            self.unmeasured = self.unmeasured or model
            return paid
        price = dollars(version if is_priced(version) else model, usage) or 0
        self.dollars += price - paid
        return price

    def _spent(self) -> str:
        if self.is_blind:
            return f"{self.unmeasured} reports no tokens, so that its cost cannot be known"
        if self.limit_calls is not None and self.calls >= self.limit_calls:
            return f"the budget of {self.limit_calls:,} model calls is spent"
        if self.limit_dollars is not None and self.dollars >= self.limit_dollars:
            return f"the budget of ${self.limit_dollars:g} is spent (${self.dollars:.4f})"
        return ""
