"""Names of functions and agents that a model made up."""

from adk_flow.models.scripted import call, transfer
from tests.doubles.findings import desk, found, hooks
from tests.doubles.teams import rate


async def test_a_function_and_an_agent_that_do_not_exist_are_hallucinated(tmp_path):
    root = desk({"Root": [call("rates"), transfer("Loan")]})

    flow, (function, target) = await found(root, ["?"], tmp_path, "hallucinated_name")

    assert function.text == "Root called rates, but transfer_to_agent is all that it was offered."
    assert target.text == "Root tried to hand over to Loan, and may only to Loans and Funds."
    assert hooks(flow, function) == hooks(flow, target) == ["before_model:Root", "after_model:Root"]


async def test_a_hallucinated_agent_is_known_from_its_event_where_words_were_left_out(tmp_path):
    root = desk({"Root": [transfer("Loan")]})

    _, (one,) = await found(root, ["?"], tmp_path, "hallucinated_name", capture="none")

    assert one.text == "Root tried to hand over to Loan, and may only to Loans and Funds."


async def test_names_on_offer_and_functions_that_a_callback_added_are_no_hallucination(tmp_path):
    def add(callback_context, llm_request):
        from google.adk.tools.function_tool import FunctionTool

        llm_request.append_tools([FunctionTool(rate)])

    script = {"Root": [call("rate", years=1), transfer("Loans")], "Loans": ["a"]}
    root = desk(script, lead={"before_model_callback": add})

    flow, none = await found(root, ["?"], tmp_path, "hallucinated_name")

    assert none == []
    assert flow.errors == []
