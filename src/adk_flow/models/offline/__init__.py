"""The keyless default: a model that reads only the request, and says that it is no language model.

A request is read (`situation`, `turns`, `functions`, `schemas`), its question taken apart (`parts`,
`followups`, `quantities`), each part given to whoever fits it (`likeness`, `routes`, `calls`,
`arguments`, `plan`), and the next step decided and worded (`decision`, `forms`, `wording`).

Sums go another way (`working`): what is written out (`sums`) or a shopping problem (`shopping`, of
`numerals`, `places`, `purchases`, `leftovers`) is worked out by functions or agents that calculate
(`arithmetic`).
"""

from adk_flow.models.offline.model import Offline

__all__ = ["Offline"]
