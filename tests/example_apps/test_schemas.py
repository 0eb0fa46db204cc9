"""Functions paired with schemas from a file, in the forms of three models."""

import json
from pathlib import Path

import pytest

from adk_flow.log.reader import read_log
from adk_flow.models.scripted import Scripted, call
from tests.doubles.flow import agent, record
from tools.arithmetic import OPERATIONS
from tools.schemas import SchemaError, SchemaToolset

EXAMPLE = Path(__file__).parents[2] / "examples" / "calculator" / "schemas.json"


def double(number: float, times: int = 1) -> dict:
    return {"result": number * 2**times}


def shape(object_="object", number="number", **extra):
    return {
        "type": object_,
        "properties": {"number": {"type": number}},
        "required": ["number"],
        **extra,
    }


CLAUDE = {"name": "double", "description": "Doubles.", "input_schema": shape()}
GEMINI = {"name": "double", "description": "Doubles.", "parameters": shape("OBJECT", "NUMBER")}
OPENAI = {"type": "function", "function": {**GEMINI, "parameters": shape()}}
FLAT = {"type": "function", **GEMINI}


def written(folder, *entries) -> Path:
    file = folder / "schemas.json"
    file.write_text(json.dumps(entries))
    return file


@pytest.mark.parametrize("entry", [CLAUDE, GEMINI, OPENAI, FLAT])
async def test_each_form_declares_the_same(entry, tmp_path):
    (tool,) = await SchemaToolset([double], written(tmp_path, entry)).get_tools()
    declared = tool._get_declaration()

    assert (declared.name, declared.description) == ("double", "Doubles.")
    assert declared.parameters_json_schema == shape()


async def test_types_are_written_small_at_every_depth_and_properties_may_be_called_type(tmp_path):
    def filed(type: str, rows: list) -> None: ...

    deep = {
        "type": "OBJECT",
        "properties": {
            "type": {"type": "STRING"},
            "rows": {
                "type": "ARRAY",
                "items": {"anyOf": [{"type": "NUMBER"}, {"type": ["STRING", "NULL"]}]},
            },
        },
        "required": ["type", "rows"],
    }
    entry = {"name": "filed", "parameters": deep}
    (tool,) = await SchemaToolset([filed], written(tmp_path, entry)).get_tools()

    properties = tool._get_declaration().parameters_json_schema["properties"]
    assert properties["type"] == {"type": "string"}
    assert properties["rows"]["items"] == {
        "anyOf": [{"type": "number"}, {"type": ["string", "null"]}]
    }


async def test_types_are_written_small_wherever_a_schema_holds_another(tmp_path):
    def placed(at: list, kind: str = "") -> None: ...

    parameters = {
        "type": "OBJECT",
        "properties": {
            "at": {"type": "ARRAY", "prefixItems": [{"type": "NUMBER"}, {"$ref": "#/$defs/Y"}]},
            "kind": {"type": "STRING", "enum": ["NUMBER"], "default": {"type": "NUMBER"}},
        },
        "required": ["at"],
        "additionalProperties": False,
        "$defs": {"Y": {"type": "NUMBER"}},
    }
    file = written(tmp_path, {"name": "placed", "parameters": parameters})
    (tool,) = await SchemaToolset([placed], file).get_tools()

    declared = tool._get_declaration().parameters_json_schema
    assert declared["$defs"] == {"Y": {"type": "number"}}
    assert declared["properties"]["at"]["prefixItems"][0] == {"type": "number"}
    assert declared["properties"]["kind"]["default"] == {"type": "NUMBER"}  # a value, no schema
    assert declared["additionalProperties"] is False


def test_a_byte_order_mark_is_passed_over(tmp_path):
    file = tmp_path / "schemas.json"
    file.write_text(json.dumps([CLAUDE]), encoding="utf-8-sig")

    assert SchemaToolset([double], file)


def of_number(**extra):
    """The schema of `double` with something more about its parameter."""
    return shape(properties={"number": {"type": "number", **extra}})


@pytest.mark.parametrize(
    ("parameters", "error"),
    [
        (shape(properties={"number": "number"}), 'number: expected an object, not "number"'),
        (shape(properties=["number"]), 'properties: expected an object, not ["number"]'),
        (shape(properties=None), "properties: expected an object, not null"),
        (of_number(anyOf=["x"]), 'number: anyOf: expected an object, not "x"'),
        (of_number(anyOf={"type": "number"}), "number: anyOf: expected a list"),
        (of_number(items="number"), "number: items: expected an object"),
        (of_number(type=None), "number: unknown type None"),
        (of_number(type=[["number"]]), "number: unknown type ['number']"),
        (of_number(required=True), "number: required: expected a list, not true"),
        (of_number(properties={}, required=["b"]), "number: required: b is none of the properties"),
        (shape(required=None), "required: expected a list, not null"),
        (shape(required="number"), 'required: expected a list, not "number"'),
        (shape(required=["number", 1]), "required: expected names, not 1"),
        (shape(required=["number", "b"]), "required: b is none of the properties"),
        ({**shape(), "$defs": {"Y": 1}}, "$defs: Y: expected an object, not 1"),
        (shape(prefixItems=[None]), "prefixItems: expected an object, not null"),
    ],
)
def test_a_malformed_schema_is_named_with_its_parameter(parameters, error, tmp_path):
    file = written(tmp_path, {"name": "double", "parameters": parameters})

    with pytest.raises(SchemaError) as raised:
        SchemaToolset([double], file)

    assert f"double: {error}" in str(raised.value)


@pytest.mark.parametrize("depth", [600, 100_000])
def test_a_schema_nested_too_deeply_is_refused(depth, tmp_path):
    file = tmp_path / "schemas.json"
    deep = '{"not": ' * depth + "{}" + "}" * depth
    file.write_text(f'[{{"name": "double", "parameters": {deep}}}]')

    with pytest.raises(SchemaError, match="nested too deeply"):
        SchemaToolset([double], file)


@pytest.mark.parametrize(
    ("entries", "error"),
    [
        ([], "the function double has no schema"),
        ([CLAUDE, {**CLAUDE, "name": "triple"}], "the schema triple has no function"),
        ([CLAUDE, OPENAI], "entry 2: a second schema double"),
        ([{"input_schema": shape()}], "entry 1: has no name"),
        (["double"], "entry 1: has no name"),
        ([{"type": "function", "function": None}], "entry 1: has no name"),
        ([{"name": "double"}], "double: has neither input_schema nor parameters"),
        ([{**GEMINI, "parameters": shape("OBJECT", "DECIMAL")}], "unknown type 'decimal'"),
        ([{**GEMINI, "parameters": shape("ARRAY")}], "type must be object"),
        (
            [{**CLAUDE, "input_schema": shape(properties={"figure": {"type": "number"}})}],
            "double: the function takes no parameter figure",
        ),
        (
            [{**CLAUDE, "input_schema": shape(required=[])}],
            "double: the function needs number, which must be required",
        ),
    ],
)
def test_what_does_not_fit_is_named_when_it_is_loaded(entries, error, tmp_path):
    file = written(tmp_path, *entries)

    with pytest.raises(SchemaError) as raised:
        SchemaToolset([double], file)

    assert str(raised.value).startswith(f"{file}: ")
    assert error in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("text", "error"), [("{", "no JSON"), ("{}", "expected a list"), (None, "cannot be read")]
)
def test_a_file_that_is_no_list_is_refused(text, error, tmp_path):
    file = tmp_path / "schemas.json"
    if text is not None:
        file.write_text(text)

    with pytest.raises(SchemaError, match=error):
        SchemaToolset([double], file)


async def test_an_agent_calls_what_the_file_declares(tmp_path):
    model = Scripted(script={"Root": [call("double", number=21), "42"]})
    toolset = SchemaToolset([double], written(tmp_path, GEMINI))
    flow = await record(agent("Root", model, tools=[toolset]), ["Go"], tmp_path, model=model)

    (given,) = [one.text for one in flow.log.records if one.hook == "after_tool"]
    assert given == '{"result":42}'
    assert read_log(flow.plugin.paths[0]).records[2].agent == "Root"


async def test_the_example_declares_its_six_functions_in_three_forms():
    tools = await SchemaToolset(OPERATIONS, EXAMPLE).get_tools()
    entries = json.loads(EXAMPLE.read_text())

    assert [tool.name for tool in tools] == [one.__name__ for one in OPERATIONS]
    forms = {next(form for form in ("input_schema", "parameters", "type") if form in one)
             for one in entries}  # fmt: skip
    assert forms == {"input_schema", "parameters", "type"}
