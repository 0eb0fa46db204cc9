"""Results as JSON: each on one line, with the number of the schema that its fields follow."""

from __future__ import annotations

from typing import Any

import msgspec

from adk_flow.export import EXPORT_SCHEMA
from adk_flow.log.schema import SCHEMA
from adk_flow.log.writer import writable

_FIRST = "check compare diff init inspect laws plan predict run show versions watch wire"
SCHEMAS = {**dict.fromkeys(_FIRST.split(), 1), "export": EXPORT_SCHEMA, "record": SCHEMA}
"""By what is written; a number grows when a field is renamed, removed or means something else."""


def to_json(kind: str, data: Any) -> str:
    """Writes a result as JSON, of which what is no text is replaced."""
    fields = writable(msgspec.to_builtins(data, str_keys=True))
    return msgspec.json.encode({**fields, "schema": SCHEMAS[kind]}).decode()
