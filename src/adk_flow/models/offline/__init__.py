"""The keyless default: a model that reads only the request, and says that it is no language model.

A request is read (`models.request`), its message taken apart (`questions`), each question routed by
likeness (`likeness`, `routes`), a call filled by its schema (`quantities`, `places`, `mentions`,
`arguments`) and made if everything said has its place in it (`choice`), and the next step decided
and worded (`tasks`, `decision`, `forms`, `wording`).
"""

from adk_flow.models.offline.model import Offline

__all__ = ["Offline"]
