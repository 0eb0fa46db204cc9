"""Two agents of one name under different parents."""

from adk_flow.models.scripted import Scripted, transfer
from tests.doubles.findings import found
from tests.doubles.flow import agent, expected


async def test_agents_of_one_name_are_told_apart_and_the_silent_change_is_a_finding(tmp_path):
    def branch(name, *decisions):
        helps = agent("Help", Scripted(script={"Help": [f"{name} helps."] * 2}))
        return agent(name, Scripted(script={name: list(decisions)}), sub_agents=[helps])

    both = [branch("Billing"), branch("Tech", transfer("Help"))]
    root = agent("Root", Scripted(script={"Root": [transfer("Tech")]}), sub_agents=both)

    flow, told = await found(root, ["a", "b"], tmp_path)

    assert flow.picture == expected("""
        start user to Root
        user say Root "a"
        Root => Tech
        Tech => Tech/Help
        Tech/Help reply user "Tech helps."
        end Tech/Help to user

        start user to Billing/Help
        user say Billing/Help "b"
        Billing/Help reply user "Billing helps."
        end Billing/Help to user
    """)
    assert [one.kind for one in told] == ["unexpected_holder"]
    assert told[0].text.startswith(
        "Tech/Help answered the user, but the next message goes to Billing/Help"
    )
