"""Agents, graphs and what they hold, written as Python source."""

import enum
import inspect
import re
import sys
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from importlib import import_module
from types import FunctionType
from typing import Any, NamedTuple, get_args, get_origin

from google.adk.agents.base_agent import BaseAgent
from google.adk.agents.llm_agent import LlmAgent
from google.adk.agents.loop_agent import LoopAgent
from google.adk.agents.parallel_agent import ParallelAgent
from google.adk.agents.sequential_agent import SequentialAgent
from google.adk.apps import App
from google.adk.tools._node_tool import NodeTool
from google.adk.workflow import BaseNode, FunctionNode, Workflow
from pydantic import BaseModel

from adk_flow._data import group_by
from adk_flow.analysis.trace import KEYLESS_MODELS
from adk_flow.inspect.agent_graph import agents_of, name_of_model
from adk_flow.wiring.copies import WiringError
from adk_flow.wiring.source.arguments import arguments_of, fields_of, is_alike, made_by_wiring
from adk_flow.wiring.source.imports import Imports
from adk_flow.wiring.source.layout import Group, Source, call_of, lay_out, listing, literal
from adk_flow.wiring.source.own_code import PACKAGE, OwnCode
from adk_flow.wiring.source.references import Origin, References

NODES = ".nodes"
"""The module of adk-flow's functions, beside the agents'."""

_CONSTRUCTED = (LlmAgent, SequentialAgent, ParallelAgent, LoopAgent)
"""Kinds of agents that are what their fields say; another may be more."""
_BRACKETS = {list: "[]", tuple: "()", set: "{}"}


class Statement(NamedTuple):
    """An assignment, or a class."""

    subject: str
    """Name of the agent, graph or node."""
    text: str


class SourceWriter:
    """Writes values as expressions; agents, graphs and nodes that stand twice as statements."""

    def __init__(self, app: App, repeated: Collection[str] = ()) -> None:
        """Takes the app that the values come from, and texts that are to be constants."""
        self.imports = Imports(["root_agent", "app"])
        self.own_code = OwnCode()
        self.statements: list[Statement] = []
        self.left_out: dict[str, bool] = {}
        """What would need adk-flow, a clause each."""
        self.texts: Counter[str] = Counter()
        """How often each text was written."""
        self._repeated = dict.fromkeys(repeated, "")
        self._references = References(app)
        self._root = app.root_agent
        self._originals = {node.name: node for node in agents_of(app.root_agent)}
        self._variables: dict[int, str] = {}
        self._kept: list[Any] = []

    def assign(self, node: BaseNode, variable: str = "") -> str:
        """Writes a statement for an agent or a node; gives its variable."""
        if id(node) not in self._variables:
            self._kept.append(node)  # or another could get its id
            source = self._node(node)
            variable = variable or self.imports.name(_identifier(node.name))
            self._variables[id(node)] = variable
            text = lay_out(source, f"{variable} = ")
            if isinstance(node, BaseAgent) and type(node) not in _CONSTRUCTED:
                text = f"# A {type(node).__name__}, which its fields do not make again.\n{text}"
            if isinstance(node, LlmAgent) and type(node) is not LlmAgent:
                # `clone` leaves out what ADK does when an agent is made.
                text += f"\n{variable}.model_post_init(None)"
            self.statements.append(Statement(node.name, text))
        return self._variables[id(node)]

    def write(self, value: Any) -> Source:
        """Writes a value; a WiringError if it can be neither written nor named."""
        if isinstance(value, BaseAgent) or id(value) in self._variables:
            return self.assign(value)
        if place := self._references.find(value):
            return self._named(place)
        if (source := self._written_out(value)) is not None:
            return source
        if place := self._references.reach(value):
            return self._named(place)
        if given := made_by_wiring(value):
            return self._call(type(value), given)
        raise WiringError(f"a {type(value).__name__} cannot be written: no module names it")

    def _is_ours(self, field: str, value: Any) -> bool:
        """Whether a field's value is adk-flow's own, which is told and left out."""
        if field != "model":
            return False
        name = name_of_model(value)
        if name in KEYLESS_MODELS or type(value).__module__.startswith(PACKAGE):
            self.left_out[f"the model {name}"] = True
            return True
        return False

    def _named(self, place: Origin) -> str:
        module, alias = place.module, ""
        if module == "builtins":
            return place.name
        if module == "google.genai.types":
            return f"{self.imports.use('google.genai', 'types')}.{place.name}{place.rest}"
        if module.partition(".")[0] == PACKAGE:
            self.own_code.add(module, place.name)
            module = NODES
        elif isinstance(getattr(sys.modules.get(module), place.name, None), (App, BaseNode)):
            alias = f"original_{place.name}"
        return f"{self.imports.use(module, place.name, alias)}{place.rest}"

    def _class(self, kind: type) -> str:
        return str(self.write(getattr(kind, "written_as", kind)))

    def _call(self, kind: type, given: Mapping[str, Any]) -> Source:
        arguments = {
            name: self.write(value)
            for name, value in given.items()
            if not self._is_ours(name, value)
        }
        return call_of(self._class(kind), **arguments)

    def _written_out(self, value: Any) -> Source | None:
        if value is None or isinstance(value, (bool, int, float, bytes)):
            return repr(value)
        if isinstance(value, enum.Enum):
            return f"{self._class(type(value))}.{value.name}"
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, dict):
            keys = (lay_out(self.write(key)) for key in value)
            pairs = zip(keys, map(self.write, value.values()), strict=True)
            return Group("{", [(f"{key}: ", one) for key, one in pairs], "}")
        if brackets := _BRACKETS.get(type(value)):
            return listing(map(self.write, value), *brackets)
        if named := getattr(value, "_asdict", None):
            return self._call(type(value), named())
        if isinstance(value, FunctionType):
            return self._made(value)
        if isinstance(value, NodeTool):
            return self.write(value.node)
        if isinstance(value, Workflow):
            return self.assign(value)
        if isinstance(value, BaseNode):
            return self._node(value)
        if get_origin(value) is None and isinstance(value, type) and issubclass(value, BaseModel):
            return self._choice(value)
        given = arguments_of(value)
        return None if given is None else self._call(type(value), given)

    def _text(self, text: str) -> Source:
        self.texts[text] += 1
        if text not in self._repeated:
            return literal(text)
        if not self._repeated[text]:
            name = self._repeated[text] = self.imports.name("INSTRUCTION")
            self.statements.append(Statement(name, lay_out(literal(text), f"{name} = ")))
        return self._repeated[text]

    def _made(self, function: FunctionType) -> Source | None:
        """Writes a function of ours within another as a call of that, which makes it again."""
        outer, inner, _ = function.__qualname__.partition(".<locals>")
        if not inner or not function.__module__.startswith(PACKAGE):
            return None
        maker = getattr(import_module(function.__module__), outer)
        values = inspect.getclosurevars(function).nonlocals
        arguments = [self.write(values[name]) for name in inspect.signature(maker).parameters]
        return call_of(str(self.write(maker)), *arguments)

    def _choice(self, schema: type[BaseModel]) -> str:
        """Writes a schema of names to choose from, such as a router's, as a class."""
        if id(schema) not in self._variables:
            name = self._variables[id(schema)] = self.imports.name(schema.__name__)
            self._kept.append(schema)
            base = self.imports.use("pydantic", "BaseModel")
            fields = (self._field(*field) for field in schema.model_fields.items())
            text = "\n".join([f"\nclass {name}({base}):", *fields, ""])
            self.statements.append(Statement(name, text))
        return self._variables[id(schema)]

    def _field(self, name: str, field: Any) -> str:
        annotation, kind = field.annotation, self.imports.use("typing", "Literal")
        is_list = get_origin(annotation) is list
        names = get_args(get_args(annotation)[0] if is_list else annotation)
        source = listing(map(literal, names), f"{kind}[", "]")
        whole = listing([source], "list[", "]") if is_list else source
        return f"    {lay_out(whole, f'{name}: ', 1)}"

    # Agents and nodes

    def _node(self, node: BaseNode) -> Source:
        if isinstance(node, BaseAgent) and type(node) not in _CONSTRUCTED:
            return self._clone(node)
        if isinstance(node, FunctionNode):
            function: Any = node._func
            if isinstance(function, FunctionType) and (source := self._made(function)):
                return source
            return self._call(FunctionNode, arguments_of(node) or {})
        if isinstance(node, Workflow):
            for same in group_by(_nodes(node.edges), id).values():
                if len(same) > 1:
                    self.assign(same[0])
        return self._call(type(node), dict(fields_of(node)))

    def _clone(self, agent: BaseAgent) -> Source:
        """Writes an agent of the app's own class, of which fields do not say all, as a copy."""
        original: Any = self._originals.get(agent.name, self._root)
        place = self._references.reach(original)
        if place is None or type(original) is not type(agent):
            raise WiringError(f"{agent.name} is a {type(agent).__name__} that no module names")
        update: list[tuple[str, Source]] = []
        if isinstance(agent, LlmAgent):
            fields = {"mode": agent.mode, "sub_agents": agent.sub_agents, **dict(fields_of(agent))}
            before = dict(fields_of(original))
            update = [
                (f'"{name}": ', self.write(value))
                for name, value in fields.items()
                if name in ("mode", "sub_agents") or not is_alike(value, before.get(name))
            ]
        return call_of(
            f"{self._named(place)}.clone", *([Group("{", update, "}")] if update else ())
        )


def _nodes(edges: Any) -> Iterator[BaseNode]:
    if isinstance(edges, BaseNode):
        yield edges
    elif isinstance(edges, (list, tuple, dict)):
        parts = edges.values() if isinstance(edges, dict) else edges
        for part in parts:
            yield from _nodes(part)


def _identifier(name: str) -> str:
    """Makes a variable of an agent's name: `Loans_Agent` and `LoansAgent` are `loans_agent`."""
    variable = re.sub(r"\W|(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
    return "lead" if variable == "root_agent" else variable
