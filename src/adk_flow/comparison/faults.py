"""The conversation in which a specialist fails on purpose, under every construct and fault."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from google.adk.apps import App
from google.adk.runners import Runner
from google.adk.sessions.in_memory_session_service import InMemorySessionService
from msgspec.structs import replace

from adk_flow.analysis.latency import DEFAULT_PROFILE, profile_named
from adk_flow.comparison.fault_matrix import FaultTalk
from adk_flow.comparison.store import Trial
from adk_flow.errors import AdkFlowError
from adk_flow.inspect.agent_graph import agents_of, llm_agents
from adk_flow.models.faulty import Fault
from adk_flow.models.override import override_of, with_fault
from adk_flow.models.planned.draft import draft_conversation
from adk_flow.models.planned.playing import plays_plans
from adk_flow.scenario.conversation import AskedTurn, Conversation
from adk_flow.scenario.plan import PlannedCall, Task
from adk_flow.wiring import ON_DEMAND, WiringError, parts_of

SECONDS = 60
"""How long a turn may last, for nothing else ends a call that hangs."""
SECONDS_ELSEWHERE = 10
"""The same where keyless models answer in another process, whose clock is no virtual one."""
_MOST_AT_ONCE = 3
_ASKED = "Please answer, each of you."


def choose_talk(app: App, conversations: Mapping[str, Conversation]) -> Conversation:
    """Takes the first conversation that is given without a plan, else plans one for the app.

    Its first message is asked twice, the first time for the fault.

    Raises:
      AdkFlowError: none is given, and the app's model was named, so that no plan plays.
    """
    is_played = plays_plans(app)
    given = [talk for talk in conversations.values() if not (is_played and talk.has_plan)]
    if given:
        return replace(given[0], turns=[given[0].turns[0], *given[0].turns])
    if not is_played:
        raise AdkFlowError("names none; say what to ask", argument="conversations")
    return asyncio.run(_draft(app))


async def _draft(app: App) -> Conversation:
    """Plans a message for several specialists, the same again, and one for another of them."""
    try:
        drafted = await draft_conversation(app, [_ASKED])
    finally:  # toolsets that were opened for it
        await Runner(app=app, session_service=InMemorySessionService()).close()
    drafts = {task.agent: task for task in drafted.turns[0].plan or []}
    tasks = [drafts.get(name, Task(name)) for name in _team(app)]
    plan = [
        # A result that its agent does not repeat shows what the wiring shows of it.
        replace(task, tools=_shortened(task), says=f"What {task.agent} says.")
        for task in sorted(tasks, key=lambda task: not task.tools)[:_MOST_AT_ONCE]
    ]
    asked = AskedTurn(_ASKED, plan=plan)
    turns = [asked, asked, AskedTurn("And one of you?", plan=plan[1:2] or plan)]
    return replace(drafted, turns=turns)


def _shortened(task: Task) -> list[PlannedCall]:
    """Leaves one tool, and ADK's own, by which a loop may end."""
    stubbed = [call for call in task.tools if call.is_stubbed]
    return [*stubbed[:1], *(call for call in task.tools if not call.is_stubbed)]


def _team(app: App) -> list[str]:
    """Names the specialists, or every agent that has a model where nobody leads them."""
    assert app.root_agent
    try:
        agents = parts_of(app.root_agent).specialists
    except WiringError:
        agents = llm_agents(app.root_agent)
    return list(dict.fromkeys(agent.name for agent in agents))


def plan_faults(talk: Conversation, apps: Mapping[str, App], times: int) -> FaultTalk:
    """Chooses who is at fault, of the apps by construct, as_is first; each is asked so often."""
    roots = {name: app.root_agent for name, app in apps.items()}
    turn, team = talk.turns[0], _team(next(iter(apps.values())))
    planned = [task.agent for task in turn.plan or []]
    agent = next(iter(planned or turn.specialists or team), "")
    agents = {name: {node.name for node in agents_of(root)} for name, root in roots.items()}
    lead = next(root.name for root in roots.values() if root)
    at_fault = {name: agent if agent in agents[name] else "" for name in apps}
    return FaultTalk(talk, lead, agent, at_fault, times)


def prepare_fault(app: App, trial: Trial, faults: FaultTalk | None) -> App:
    """Puts a trial's fault into an app, whose keyless models take a real one's time."""
    if faults is None or not trial.fault:
        return app
    is_live = not override_of(app).exclusive and not faults.talk.has_plan
    is_elsewhere = trial.construct in ON_DEMAND and not is_live
    seconds = SECONDS_ELSEWHERE if is_elsewhere else SECONDS
    fault = Fault(trial.fault, faults.at_fault[trial.construct], seconds)
    return with_fault(app, fault, None if is_live else profile_named(DEFAULT_PROFILE))
