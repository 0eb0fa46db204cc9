"""Results as JSON: each on one line, with the number of the schema that its fields follow."""

from __future__ import annotations

from typing import Any

import msgspec

from adk_flow.export import EXPORT_SCHEMA
from adk_flow.log.schema import SCHEMA
from adk_flow.log.writer import writable

SCHEMAS = {
    "check": 1,
    "compare": 1,
    "diff": 1,
    "export": EXPORT_SCHEMA,
    "init": 1,
    "inspect": 1,
    "laws": 1,
    "plan": 1,
    "predict": 1,
    "record": SCHEMA,
    "run": 1,
    "show": 1,
    "versions": 1,
    "watch": 1,
    "wire": 1,
}
"""By what is written; a number grows when a field is renamed, removed or means something else."""


def to_json(kind: str, data: Any) -> str:
    """Writes a result as JSON, of which what is no text is replaced."""
    fields = writable(msgspec.to_builtins(data, str_keys=True))
    return msgspec.json.encode({**fields, "schema": SCHEMAS[kind]}).decode()
