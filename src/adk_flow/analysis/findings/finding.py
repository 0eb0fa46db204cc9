"""What a finding is, and how its sentence is put together."""

from collections import Counter
from collections.abc import Iterable
from typing import Literal, get_args

import msgspec

from adk_flow._text import format_times, join_names
from adk_flow.analysis.trace import Turn

Kind = Literal[
    "ping_pong",
    "dead_end",
    "unexpected_holder",
    "hidden_conversation",
    "needless_series",
    "lost_state_write",
    "hallucinated_name",
    "ignored_transfer",
    "misroute",
    "hidden_hook",
    "unrelayed_answer",
    "withheld_fact",
    "repeated_answer",
    "shown_candidates",
    "raw_json",
    "glued_answers",
    "cut_answer",
    "ended_loop",
    "stage_not_begun",
    "open_call",
    "failed_tool",
    "replaced_turns",
    "rewound_turns",
    "lost_words",
    "leak",
]
KINDS: tuple[str, ...] = get_args(Kind)

Level = Literal["serious", "notice"]

MAST_MODES = {
    "ping_pong": "FM-1.3 step repetition",
    "repeated_answer": "FM-1.3 step repetition",
    "replaced_turns": "FM-1.4 loss of conversation history",
    "withheld_fact": "FM-2.4 information withholding",
    "unrelayed_answer": "FM-2.5 ignored other agent's input",
    "cut_answer": "FM-3.1 premature termination",
    "stage_not_begun": "FM-3.1 premature termination",
}
"""Failure modes of multi-agent systems, by the kind that is one: Cemri et al. (MAST), arXiv
2503.13657, appendix A. Kinds that none of its 14 modes describes have none."""

_LONGEST_NAME = 80
"""Characters shown of a name that a model made up."""


class Finding(msgspec.Struct, frozen=True, omit_defaults=True):
    """Something in a turn that its author would want to know, with the records that prove it."""

    kind: Kind
    turn: int
    agents: tuple[str, ...]
    text: str
    """One sentence with its figures; names in it may come from a model."""
    records: tuple[int, ...]
    """Indices in the log's records, in order."""
    level: Level = "notice"
    """`serious` where the user was, or may have been, ill served."""
    mast: str = ""
    """Id of the mode that its kind is in MAST; empty for none."""

    def __post_init__(self) -> None:
        """Gives it its kind's mode."""
        mode = MAST_MODES.get(self.kind, "").partition(" ")[0]
        msgspec.structs.force_setattr(self, "mast", mode)


def make_finding(
    kind: Kind,
    turn: Turn,
    agents: Iterable[str],
    text: str,
    records: Iterable[int],
    level: Level = "notice",
) -> Finding:
    """Makes a finding of a turn, and puts its records in order."""
    return Finding(kind, turn.number, tuple(agents), text, tuple(sorted(records)), level)


def listed(names: Iterable[str]) -> str:
    """Lists names in order, each once, with how often it stands among them."""
    counts = Counter(name[:_LONGEST_NAME] for name in names)
    shown = [
        f"{name} ({format_times(count)})" if count > 1 else name for name, count in counts.items()
    ]
    return join_names(shown) or "nobody"


def distinct(names: Iterable[str]) -> tuple[str, ...]:
    """Gives names in order, each once."""
    return tuple(dict.fromkeys(names))
