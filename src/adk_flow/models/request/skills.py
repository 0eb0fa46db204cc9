"""Skills as a request shows them: what ADK's SkillToolset discloses, and which were loaded."""

import html
import re
import unicodedata
from collections.abc import Iterable

from google.genai import types

from adk_flow.models.request.functions import Option

LOAD = "load_skill"
RESOURCE = "load_skill_resource"
LONGEST_NAME = 64
"""Characters of a skill's name (2.13, skills/models.py)."""

# ADK 2.13, skills/prompt.py.
_SKILL = re.compile(
    r"<skill>\s*<name>\s*(.*?)\s*</name>\s*<description>\s*(.*?)\s*</description>\s*</skill>", re.S
)


def skill_name(agent: str) -> str:
    """Makes an agent's name one of a skill: lowercase kebab-case; empty if nothing is left."""
    plain = unicodedata.normalize("NFKD", agent).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain)[:LONGEST_NAME].strip("-")


def disclosed_skills(instruction: str) -> list[Option]:
    """Reads the skills that an instruction lists, as one of a toolset that discloses eagerly."""
    pairs = _SKILL.findall(instruction)
    return [Option(html.unescape(name), html.unescape(text)) for name, text in pairs]


def loaded_skills(contents: Iterable[types.Content]) -> frozenset[str]:
    """Names the skills whose instructions a conversation holds."""
    parts = (part.function_response for content in contents for part in content.parts or ())
    given = (part.response or {} for part in parts if part and part.name == LOAD)
    return frozenset(response["skill_name"] for response in given if "instructions" in response)
