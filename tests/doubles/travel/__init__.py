"""A travel desk as ADK's samples are laid out: a package of agents, prompts and tools."""

from . import agent as agent
