"""What can go wrong with an agent on purpose."""

from __future__ import annotations

from typing import Literal, get_args

FaultKind = Literal[
    "raises",
    "hangs",
    "rate limit",
    "unknown tool",
    "unknown agent",
    "wrong answer",
    "poisoned tool",
]
"""Its model raises, never answers, is refused (429), makes up a function or an agent, or says what
is wrong; or its tools' results carry an instruction."""
FAULT_KINDS: tuple[FaultKind, ...] = get_args(FaultKind)

FAULT_CANARY = "quixotic heron"
"""What a fault plants: in its error, in the name that is made up, in the answer, in the result."""
