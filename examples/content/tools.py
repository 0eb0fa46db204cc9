"""The look-ups of the researchers, and what code can check of a draft."""

import re
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import Field

LONGEST, LONGEST_SENTENCE = 90, 35
"""Words."""
PASSAGES: dict[str, dict[str, dict[str, str]]] = yaml.safe_load(
    Path(__file__).with_name("passages.yaml").read_text(encoding="utf-8")
)


def _titles(field: str) -> Any:
    return Field(json_schema_extra={"enum": [*PASSAGES[field]]})


def look_up_saving(title: Annotated[str, _titles("saving")]) -> dict[str, str]:
    """Looks up a passage on saving and investing by its title."""
    return _passage("saving", title)


def look_up_pensions(title: Annotated[str, _titles("pension")]) -> dict[str, str]:
    """Looks up a passage on pensions by its title."""
    return _passage("pension", title)


def _passage(field: str, title: str) -> dict[str, str]:
    passage = PASSAGES[field].get(title)
    if passage is None:
        return {"error": f"there is no passage {title!r}; there are {'; '.join(PASSAGES[field])}"}
    return {"summary": f"{passage['text']} ({passage['source']})"}


def faults_of(draft: str) -> list[str]:
    """Says what code finds wrong with a draft: its length, and figures that no passage has."""
    faults = []
    if (words := len(draft.split())) > LONGEST:
        faults.append(f"It has {words} words: cut it to {LONGEST}.")
    longest = max((len(sentence.split()) for sentence in re.split(r"[.?!]\s", draft)), default=0)
    if longest > LONGEST_SENTENCE:
        faults.append(f"A sentence has {longest} words: make it two.")
    library = " ".join(one["text"] for field in PASSAGES.values() for one in field.values())
    known = set(_figures(library))
    faults += [f"{one} stands in no passage." for one in _figures(draft) if one not in known]
    return faults


def _figures(text: str) -> list[str]:
    return re.findall(r"\d+(?:[.,]\d+)*", text)
