"""Files made to harm whoever reads them: nested without end, or of one endless line."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adk_flow.analysis.trace_reader import read_trace
from adk_flow.check.flow import read_flow
from adk_flow.errors import AdkFlowError
from adk_flow.log.schema import SCHEMA
from adk_flow.render.flow_json import flow_to_data
from adk_flow.scenario.conversation import read_conversation, read_state
from tests.doubles.command import run_command

HEADER = f'{{"flow_log":{SCHEMA},"adk":"2.13.0","adk_flow":"0","app":"a","session":"s","time":1}}\n'
MESSAGE = '{"hook":"user_message","time":2,"run":1,"text":"Hi"}\n'
SHAPES = ("[", "{", '{"a":', '[{"a":', "- ", "a: ", "? ", "&a [", '"', "\\ud800", "x", "!!set {")
ENDS = {"[": "]", "{": "}", '{"a":': "}", '[{"a":': "}]"}
PLACES = ("log", "header", "values", "yaml", "state")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from(PLACES),
    st.lists(st.tuples(st.sampled_from(SHAPES), st.integers(1, 20_000)), min_size=1, max_size=3),
    st.booleans(),
)
def test_what_is_nested_without_end_is_told_in_one_line(tmp_path, place, layers, is_closed):
    text = "".join(shape * depth for shape, depth in layers)
    if is_closed:
        text += "1" + "".join(ENDS.get(shape, "") * depth for shape, depth in reversed(layers))
    file = tmp_path / "file"
    lines = {
        "log": f"{HEADER}{MESSAGE}{text}\n{MESSAGE}",
        "header": f'{{"flow_log":{SCHEMA},"x":{text}}}\n',
        "values": f'{HEADER}{MESSAGE}{{"hook":"event","time":3,"run":1,"state":["k"],'
        f'"values":{json.dumps(text)}}}\n',
    }
    file.write_text(lines.get(place, text))
    try:
        if place == "state":
            read_state(text)
        elif place == "yaml":
            read_conversation(file)
        else:
            flow_to_data(read_trace(file), "both")
            _ = read_flow(file).state
    except ValueError as error:
        assert str(error) == "the log does not hold all values of state"
    except AdkFlowError as error:
        assert "\n" not in str(error)


@pytest.mark.parametrize("rest", ["", '{"hook":"before_run","time":3,"run":1}\n'])
def test_a_turn_cut_before_its_first_agent_is_shown(rest, tmp_path):
    (tmp_path / "log.jsonl").write_text(HEADER + MESSAGE + rest)

    shown = run_command("show", "log.jsonl", folder=tmp_path)

    assert shown.returncode == 0
    assert 'Turn 1\n "" user: Hi\n' in shown.stdout
    assert "the log stops in the middle of this turn (1)" in shown.stdout


def test_a_log_without_a_turn_says_so(tmp_path):
    (tmp_path / "log.jsonl").write_text(HEADER)

    assert "The log holds no turn." in run_command("show", "log.jsonl", folder=tmp_path).stdout


COMMANDS = (
    ["show", "log.jsonl"],
    ["show", "log.jsonl", "--view", "records"],
    ["show", "log.jsonl", "--format", "json"],
    ["diff", "log.jsonl", "log.jsonl"],
    ["check", "log.jsonl", "--expect", "rules.yaml"],
    ["compare", "log.jsonl"],
    ["export", "log.jsonl", "--out", "tables"],
)


@pytest.mark.parametrize("line", ['{"hook":"event","time":3,"text":"%s"}', "%s", HEADER[:-2]])
def test_a_line_of_100_mb_is_told_in_one_line(line, tmp_path):
    (tmp_path / "rules.yaml").write_text("turns:\n  - answered_by: Root\n")
    text = "x" * 100_000_000
    long = line % text if "%s" in line else f'{line},"model":"{text}"}}'
    (tmp_path / "log.jsonl").write_text(f"{HEADER}{MESSAGE}{long}\n{MESSAGE}")

    for command in COMMANDS:
        shown = run_command(*command, folder=tmp_path)

        assert shown.returncode == 2, command
        assert shown.stderr == "adk-flow: log.jsonl: line 3 is longer than 32 MB; no log has such\n"
