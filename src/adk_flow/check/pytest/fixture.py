"""The fixture `flow`: holds conversations in a test, and tells of the latest one."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adk_flow.check.flow import Flow
from adk_flow.errors import AdkFlowError
from adk_flow.scenario.conversation import Conversation, of_questions, read_conversation

if TYPE_CHECKING:
    from google.adk.apps import App
    from google.adk.models.base_llm import BaseLlm
    from google.adk.workflow import BaseNode

    from adk_flow.models.scripted import Decision


class FlowFixture:
    """Holds conversations with agents and apps; its other attributes are the latest `Flow`'s."""

    def __init__(self, folder: Path) -> None:
        """Takes the folder of the logs."""
        self.folder = folder
        self._held: Flow | None = None
        self._numbers = itertools.count(1)

    def __call__(self, subject: App | BaseNode | str | Path, *asked: Any, **options: Any) -> Flow:
        """Holds a conversation in a test that is no coroutine; takes what `run` takes.

        Raises:
          RuntimeError: an event loop runs already.
        """
        __tracebackhide__ = True
        self._held = None
        if asyncio._get_running_loop() is not None:
            raise RuntimeError("in an async test, write: await flow.run(…)")
        try:
            return asyncio.run(self.run(subject, *asked, **options))
        except (AssertionError, TypeError, ValueError, AdkFlowError) as error:
            # A reader of the failed test need not see the loop's frames.
            raise error.with_traceback(None) from None

    async def run(
        self,
        subject: App | BaseNode | str | Path,
        *asked: str | Conversation | Path,
        script: Mapping[str, Sequence[Decision]] | None = None,
        model: str | BaseLlm | None = None,
        may_fail: bool = False,
    ) -> Flow:
        """Holds a conversation in a session of its own, and records it in the test's folder.

        Args:
          subject: an app, a root agent, or the path of an app as for `adk run`.
          asked: what to ask, turn by turn; or one conversation, or the path of its file.
          script: decisions of each agent, in order, in its model's place.
          model: the model of every agent, such as `offline`; by default each has its own.
          may_fail: whether a turn may fail, or an answer lack what the conversation asks for.

        Raises:
          AssertionError: a turn failed, or the script was not followed to its end.
          ValueError: an agent would run on a model that needs a key, or that nobody knows.
        """
        __tracebackhide__ = True
        self._held = None  # what fails tells nothing, and least of all of an earlier one
        # ADK takes seconds to import, which tests without a flow need not wait for.
        from adk_flow.check.pytest.scripted_run import run_scripted

        file = self.folder / f"{next(self._numbers)}.jsonl"
        conversation = _conversation(asked)
        self._held = await run_scripted(
            subject, conversation, file, script, model, may_fail=may_fail
        )
        return self._held

    @property
    def latest(self) -> Flow:
        """The conversation that ran last.

        Raises:
          RuntimeError: none was.
        """
        if self._held is None:
            raise RuntimeError("no conversation was held; write: flow(root_agent, 'Hello')")
        return self._held

    def __repr__(self) -> str:
        return "flow"

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self.latest, name)


def _conversation(asked: Sequence[str | Conversation | Path]) -> Conversation:
    match asked:
        case [Conversation() as conversation]:
            return conversation
        case [Path() as file]:
            return read_conversation(file)
        case [str(), *_] if all(isinstance(words, str) for words in asked):
            return of_questions([str(words) for words in asked])
    raise TypeError("say what to ask: questions, one Conversation, or the Path of its file")
