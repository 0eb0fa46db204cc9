"""Copies of agents for a tree of their own: what an agent is goes along, whom it uses does not."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from types import FunctionType
from typing import TYPE_CHECKING, Any

from google.adk.agents.base_agent import BaseAgent
from google.adk.agents.llm.task._finish_task_tool import FinishTaskTool
from google.adk.agents.llm_agent import InstructionProvider, LlmAgent, ToolUnion
from google.adk.agents.readonly_context import ReadonlyContext
from google.adk.models.base_llm import BaseLlm
from google.adk.tools.agent_tool import AgentTool, _SingleTurnAgentTool, _TaskAgentTool
from google.adk.tools.function_tool import FunctionTool
from google.adk.utils.instructions_utils import inject_session_state

from adk_flow.errors import AdkFlowError
from adk_flow.inspect.agent_graph import find_model, tool_name

if TYPE_CHECKING:
    from adk_flow.wiring.peers import Peers


ROUNDS = 2
"""How often a loop runs its agents, unless one of them escalates before."""


class WiringError(AdkFlowError):
    """Agents that cannot be wired as asked."""


@dataclass(frozen=True)
class Team:
    """The agents to be wired, as their owner wrote them, and what else a construct needs."""

    lead: LlmAgent
    agents: Sequence[BaseAgent]
    """The specialists, those too that are no LlmAgent and can only be handed over to or called."""
    called: Collection[str] = ()
    """Names of the specialists that `mixed` calls; the others are transferred to."""
    peers: Peers | None = None
    """The process in which the specialists of `remote` are."""
    advisor: str | BaseLlm = ""
    """The model that `advisor` may ask; by default the lead's."""

    @property
    def specialists(self) -> list[LlmAgent]:
        """Those that can be wired in any way."""
        return [agent for agent in self.agents if isinstance(agent, LlmAgent)]

    @property
    def names(self) -> list[str]:
        """The names of the specialists."""
        return [agent.name for agent in self.agents]

    def graph_name(self, construct: str) -> str:
        """Names the graph of a construct, otherwise where an agent goes by that name."""
        is_taken = construct in (self.lead.name, *self.names)
        return f"{construct}_graph" if is_taken else construct

    def leading(self, *, calling: Sequence[ToolUnion] = (), **update: Any) -> LlmAgent:
        """Copies the lead, with further tools."""
        tools = [*self.own_tools(self.lead), *calling]
        return self._copied(self.lead, **{"tools": tools, **update})

    def copies(self, **update: Any) -> list[LlmAgent]:
        """Copies the specialists."""
        return [self._specialist(agent, **update) for agent in self.specialists]

    def everybody(self) -> list[BaseAgent]:
        """Copies the specialists, those too that are no LlmAgent."""
        return [self._specialist(agent) for agent in self.agents]

    def helpers(self, agent: LlmAgent) -> list[BaseAgent]:
        """Copies a specialist's own agents, as they are wired; not those who are of the team."""
        return [
            self._specialist(helper, mode=getattr(helper, "mode", None))
            for helper in agent.sub_agents
            if not any(map(helper.find_agent, (*self.names, self.lead.name)))
        ]

    def _specialist(self, agent: BaseAgent, **update: Any) -> Any:
        if not isinstance(agent, LlmAgent):
            return agent.clone()
        own = {"tools": self.own_tools(agent), "sub_agents": self.helpers(agent)}
        return self._copied(agent, **{**own, **update})

    def own_tools(self, agent: LlmAgent) -> list[ToolUnion]:
        """Lists an agent's tools without those that ADK gave it or that are agents of the team."""
        return [tool for tool in agent.tools if not self._is_wiring(tool)]

    def _is_wiring(self, tool: ToolUnion) -> bool:
        if isinstance(tool, (FinishTaskTool, _SingleTurnAgentTool, _TaskAgentTool)):
            return True
        return isinstance(tool, AgentTool) and tool.agent.name in (*self.names, self.lead.name)

    def _copied(
        self, agent: LlmAgent, *, sub_agents: Sequence[BaseAgent] = (), **update: Any
    ) -> LlmAgent:
        """Copies an agent, with these sub-agents in place of its own."""
        fields = {"model": self.model_of(agent), "mode": None, "sub_agents": [], **update}
        copy = agent.clone(update=fields)
        copy.sub_agents = list(sub_agents)
        # `clone` leaves out what ADK does when an agent is made: it tells sub-agents their parent,
        # and gives task agents and those who delegate the tools for it (2.13, llm_agent.py).
        copy.model_post_init(None)
        return copy

    def model_of(self, agent: LlmAgent) -> Any:
        """Finds the model that an agent runs on where it stands, by default the lead's."""
        return find_model(agent) or self.lead.model


def joined(instructions: Sequence[str | InstructionProvider]) -> str | InstructionProvider:
    """Joins instructions; if one of them is a function, so is the whole."""
    texts = [instruction for instruction in instructions if isinstance(instruction, str)]
    if len(texts) == len(instructions):
        return "\n\n".join(filter(None, texts))

    async def instruct(context: ReadonlyContext) -> str:
        return "\n\n".join([await _resolved(instruction, context) for instruction in instructions])

    return instruct


def fixed(text: str) -> InstructionProvider:
    """Makes an instruction of a text in which braces stand for no session state."""
    return lambda _: text


async def _resolved(instruction: str | InstructionProvider, context: ReadonlyContext) -> str:
    """Does for one of several what ADK does for a whole instruction."""
    if isinstance(instruction, str):
        return await inject_session_state(instruction, context)
    text = instruction(context)
    return text if isinstance(text, str) else await text


def merged_tools(construct: str, team: Team) -> list[ToolUnion]:
    """Gathers a team's tools for one agent; a WiringError if two go by the same name."""
    gathered: dict[object, ToolUnion] = {}
    owners: dict[str, str] = {}
    for agent in (team.lead, *team.specialists):
        for tool in team.own_tools(agent):
            name, same = tool_name(tool), _identity(tool)
            if same not in gathered and name in owners:
                raise WiringError(
                    f"{construct}: {owners[name]} and {agent.name} have different tools named "
                    f"{name!r}; one agent cannot have both"
                )
            gathered.setdefault(same, tool)
            if name:
                owners.setdefault(name, agent.name)
    return list(gathered.values())


def _identity(tool: ToolUnion) -> object:
    """Tells tools apart; a function that is wrapped twice in the same way is one tool."""
    if isinstance(tool, FunctionType):
        return tool, False
    if isinstance(tool, FunctionTool) and type(tool) is FunctionTool:
        return tool.func, tool._require_confirmation
    return id(tool)
