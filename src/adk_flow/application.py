"""An ADK application loaded the way `adk run` loads it."""

from __future__ import annotations

from pathlib import Path

from google.adk.apps import App
from google.adk.cli.utils.agent_loader import AgentLoader

import adk_flow.models  # noqa: F401 - makes the model name "offline" known to ADK
from adk_flow.plugin import FlowPlugin
from adk_flow.problem import Problem
from adk_flow.startup import spare_failing_import

_FILES = ("agent.py", "__init__.py", "root_agent.yaml")
"""Files that stand for the folder that they are in."""


class ApplicationError(Problem):
    """A path that holds no ADK app that can be run."""


def load_application(path: str | Path) -> App:
    """Loads the app or root agent of a folder, package or module, its `.env` with it.

    Raises:
      ApplicationError: there is none, or it cannot be imported.
    """
    place = Path(path).resolve()
    if place.name in _FILES:
        place = place.parent
    name = place.stem if place.suffix == ".py" else place.name
    if not place.exists():
        raise ApplicationError(f"{path}: does not exist; expected a folder of an ADK app")
    spare_failing_import()
    try:
        loaded = AgentLoader(agents_dir=str(place.parent)).load_agent(name)
    except SystemExit as error:
        raise ApplicationError(str(error).removeprefix("adk-flow: ")) from error
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ApplicationError(f"{path}: cannot be loaded as an ADK app: {reason}") from error
    if isinstance(loaded, App):
        return loaded
    return App(name=_app_name(name), root_agent=loaded)


def _app_name(name: str) -> str:
    """Gives the name of an app that has none: its folder's, if ADK allows it."""
    is_allowed = name != "user" and name[0].isalpha()
    return name if is_allowed else f"app_{name}"


def recorded_by(app: App, recorder: FlowPlugin) -> App:
    """Copies an app with one recorder, first among its plugins, in place of its own."""
    others = [plugin for plugin in app.plugins if not isinstance(plugin, FlowPlugin)]
    return app.model_copy(update={"plugins": [recorder, *others]})
