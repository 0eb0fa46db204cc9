"""Those who make a piece, checked and made ready for a graph."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from google.adk.agents.llm_agent import LlmAgent
from google.adk.workflow import RetryConfig

from adk_flow.wiring.copies import Team, WiringError
from examples.content.verdicts import say_what_counts


class Staff(NamedTuple):
    """Those who make a piece."""

    researchers: Sequence[LlmAgent]
    """With look-ups that return `passages`, as those of `tools.guidance` do."""
    writer: LlmAgent
    """Its tools mend a draft."""
    reviewers: Sequence[LlmAgent]
    """With a verdict as output schema, and a check of `tools.piece` behind it."""
    optimiser: LlmAgent
    """With title and summary as output schema."""

    @property
    def everybody(self) -> list[LlmAgent]:
        """All of them, in the order in which they come to work."""
        return [*self.researchers, self.writer, *self.reviewers, self.optimiser]


def check(name: str, staff: Staff, rounds: int) -> None:
    """Refuses a staff that no piece can be made with.

    Raises:
      WiringError: a stage has nobody in it, or two go by the same name.
    """
    if not staff.researchers or not staff.reviewers or rounds < 1:
        raise WiringError(f"{name} needs at least one researcher, one reviewer and one round")
    taken = [name, *(one.name for one in staff.everybody)]
    if twice := next((one for one in taken if taken.count(one) > 1), ""):
        raise WiringError(f"{name}: two go by the name {twice}; each needs a name of its own")


def copied(staff: Staff, timeout: float, retry: RetryConfig) -> Staff:
    """Copies the staff for a graph, each with limits and deaf to all that it is not given."""
    team = Team(staff.writer, staff.everybody)
    copies = {one.name: one for one in team.copies(include_contents="none")}
    for copy in copies.values():
        copy.timeout = timeout if copy.timeout is None else copy.timeout
        copy.retry_config = copy.retry_config or retry
    for one in staff.reviewers:
        copy = copies[one.name]
        copy.after_model_callback = [say_what_counts, *copy.canonical_after_model_callbacks]
    return Staff(
        [copies[one.name] for one in staff.researchers],
        copies[staff.writer.name],
        [copies[one.name] for one in staff.reviewers],
        copies[staff.optimiser.name],
    )
