"""Specialists as skills of one agent, which loads their instructions and tools as it needs them."""

from google.adk.agents.llm_agent import LlmAgent
from google.adk.tools.base_toolset import BaseToolset

from adk_flow.inspect.agent_graph import tool_name
from adk_flow.models.planned.agent_map import TOOLS
from adk_flow.models.request.situation import skill_name
from adk_flow.wiring.agents import alone, words_alone
from adk_flow.wiring.copies import Team, WiringError, joined, merged_tools

SKILLS = (
    "Each of your specialists is a skill of yours. Load it when a question is for that "
    "specialist, and follow it."
)
_LONGEST = 1024
"""Characters of a skill's description (2.13, skills/models.py)."""


def wire_skills(team: Team) -> LlmAgent:
    """One agent that loads a specialist's instruction and tools as a skill once it needs them."""
    try:
        from google.adk.skills.models import Frontmatter, Skill
        from google.adk.tools.skill_toolset import SkillDiscoveryMode, SkillToolset
    except ImportError:
        raise WiringError("skills needs google-adk 2.10 or newer") from None
    names = _names(team)
    tools = merged_tools("skills", team)
    # A skill offers only tools that it names, and those of a toolset have no names before a run.
    own = [*team.own_tools(team.lead), *(tool for tool in tools if isinstance(tool, BaseToolset))]
    others = [tool for tool in tools if tool not in own]
    known = [tool_name(tool) for tool in others]
    skills = [
        Skill(
            frontmatter=Frontmatter(
                name=names[agent.name],
                description=(agent.description or agent.name)[:_LONGEST],
                metadata={
                    TOOLS: [
                        name for name in map(tool_name, team.own_tools(agent)) if name in known
                    ],
                    "adk_inject_state": True,
                },
            ),
            instructions=_instruction(agent),
        )
        for agent in team.specialists
    ]
    eager = SkillDiscoveryMode.EAGER
    toolset = SkillToolset(skills, additional_tools=others, discovery_mode=eager)
    words = f"{words_alone(team, tools)} {SKILLS}"
    instruction = joined([team.lead.instruction, words])
    return alone(team, instruction=instruction, tools=[*dict.fromkeys(own), toolset])


def _names(team: Team) -> dict[str, str]:
    names: dict[str, str] = {}
    for agent in team.specialists:
        name = skill_name(agent.name)
        if not name:
            raise WiringError(f"{agent.name!r} has no letter from a to z, as a skill's name needs")
        if other := next((key for key, value in names.items() if value == name), ""):
            raise WiringError(f"{other} and {agent.name} would both be the skill {name}")
        names[agent.name] = name
    return names


def _instruction(agent: LlmAgent) -> str:
    if not isinstance(agent.instruction, str):
        raise WiringError(f"{agent.name}'s instruction is a function, and a skill's is a text")
    return agent.instruction
