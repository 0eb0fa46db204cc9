"""Model calls that ADK's session does not show."""

from adk_flow.models.scripted import Scripted
from tests.doubles.findings import BOTH, desk, found, hooks
from tests.doubles.flow import agent


async def test_an_agent_tools_calls_are_hidden_from_the_session(tmp_path):
    root = desk({"Root": [BOTH, "ab"], "Loans": ["a"], "Funds": ["b"]}, as_tools=True)

    flow, (one,) = await found(root, ["?"], tmp_path, "hidden_conversation")

    assert one.text == (
        "2 of 4 LLM calls and 60 of 120 tokens are not in ADK's session: Loans and Funds ran in "
        "sessions of their own."
    )
    assert sorted(hooks(flow, one)) == sorted(
        f"{hook}:{name}" for hook in ("before_model", "after_model") for name in ("Loans", "Funds")
    )


async def test_single_turn_agents_and_failed_calls_hide_nothing(tmp_path):
    shown = desk({"Root": [BOTH, "ab"], "Loans": ["a"], "Funds": ["b"]}, mode="single_turn")
    failing = agent("Root", Scripted(script={"Root": [RuntimeError("no")]}))

    assert (await found(shown, ["?"], tmp_path / "shown", "hidden_conversation"))[1] == []
    assert (await found(failing, ["?"], tmp_path / "failing", "hidden_conversation"))[1] == []
