"""An ADK application loaded the way `adk run` loads it."""

import os
import sys
from contextlib import nullcontext
from importlib.metadata import version
from pathlib import Path
from traceback import extract_tb
from typing import Literal, NamedTuple

from google.adk.apps import App
from google.adk.cli.utils.agent_loader import AgentLoader

import adk_flow.models  # noqa: F401 - makes the model name "offline" known to ADK
from adk_flow._adk import BaseNode
from adk_flow.errors import AdkFlowError, causes_of
from adk_flow.models.cassette import Cassette, Tape, open_cassette
from adk_flow.models.decisions import Decided, decided
from adk_flow.models.from_env import model_named, without_keys
from adk_flow.models.override import models_of, override_models
from adk_flow.record.failing_import import heed_failing_import, spare_failing_import
from adk_flow.record.plugin import FlowPlugin

FILES_OF_APP = ("agent.py", "__init__.py", "root_agent.yaml")
"""Files that stand for the folder that they are in."""
_INSTALLED = {"site-packages", "adk_flow"}
"""Folders of code that is not an app's own, wherever they lie."""


class FoundApp(NamedTuple):
    """An app, and how it is defined."""

    app: App
    file: Path
    """Where ADK looks for it, relative to where the command runs if it lies below."""
    form: Literal["app", "root_agent", "yaml"]

    @property
    def is_recorded(self) -> bool:
        """Whether it has a recorder of its own."""
        return any(isinstance(plugin, FlowPlugin) for plugin in self.app.plugins)


def load_app(subject: App | BaseNode | str | Path, model: str = "") -> App:
    """Loads the app or root agent of a folder, package or module, its `.env` with it.

    Args:
      subject: the path, as for `adk run`; or an app or a root agent that is loaded already.
      model: the model of every agent; empty for the app's own. The environment names it too, so
        that an app that chooses its model by `MODEL_NAME` need not have the key of another.

    Raises:
      AdkFlowError: there is none, or it cannot be imported.
      ModelChoiceError: the model cannot be used.
    """
    if not isinstance(subject, (str, Path)):
        is_app = isinstance(subject, App)
        app = subject if is_app else App(name=subject.name, root_agent=subject)
        return override_models(app, model_named(model)) if model else app
    if not model:
        return find_app(subject).app
    os.environ["MODEL_NAME"] = model
    try:
        app = find_app(subject).app
    except AdkFlowError:
        model_named(model)  # which may be what the app cannot be loaded with
        raise
    return override_models(app, model_named(model))


def load_answered_app(
    path: Path, model: str = "", decisions: Path | None = None, cassette: Path | None = None
) -> tuple[App, Decided | None, Cassette | None]:
    """Loads an app for one conversation, on decisions or a cassette's answers if one is given.

    Raises:
      AdkFlowError: one of them cannot be used.
    """
    with without_keys() if cassette else nullcontext():
        app = load_app(path, model)
    if decisions:
        return *decided(app, decisions), None
    if cassette is None:
        return app, None, None
    kept = open_cassette(cassette, models_of(app))
    return override_models(app, tape=Tape(kept)), None, kept


def find_app(path: str | Path) -> FoundApp:
    """Loads an app, and tells where ADK found it.

    Raises:
      AdkFlowError: there is none, or it cannot be imported.
    """
    place = Path(path).resolve()
    if place.name in FILES_OF_APP:
        place = place.parent
    name = place.stem if place.suffix == ".py" else place.name
    if not place.exists():
        raise AdkFlowError(f"{path}: does not exist; expected a folder of an ADK app")
    if place.is_file() and place.suffix != ".py":
        raise AdkFlowError(f"{path}: is no ADK app; expected its folder, or a Python module")
    heed_failing_import()
    try:
        loaded = AgentLoader(agents_dir=str(place.parent)).load_agent(name)
    except SystemExit as error:
        words = error.code if isinstance(error.code, str) else ""
        if words.startswith("adk-flow: "):  # see `model_from_env`
            raise AdkFlowError(words.removeprefix("adk-flow: ")) from error
        reason = "the app ended the process (sys.exit) while it was imported"
        raise AdkFlowError(": ".join(filter(None, (str(path), reason, words)))) from error
    except Exception as error:
        # ADK draws the folders that it expects over several lines (2.13, agent_loader.py).
        words, *_ = str(error).split("\n\nExpected directory structure:")
        reason = " ".join(words.split()) or type(error).__name__
        reason += _line_in_app(error, place) + _where_to_find(error, place)
        raise AdkFlowError(f"{path}: cannot be loaded as an ADK app: {reason}") from error
    spare_failing_import()
    is_app, is_allowed = isinstance(loaded, App), name != "user" and name[0].isalpha()
    app_name = name if is_allowed else f"app_{name}"  # ADK allows no other
    app = loaded if isinstance(loaded, App) else App(name=app_name, root_agent=loaded)
    file = _file_of(loaded, name)
    if file is None:
        return FoundApp(app, _near(place / "agent.py"), "yaml")
    return FoundApp(app, _near(file), "app" if is_app else "root_agent")


def _line_in_app(error: BaseException, app: Path) -> str:
    """Names the line of an app at which its import failed, empty where that is not in its code."""
    folder = app if app.is_dir() else app.parent
    for each in causes_of(error):
        for frame in extract_tb(each.__traceback__)[::-1]:
            file = Path(frame.filename)
            if file.is_relative_to(folder) and not _INSTALLED.intersection(file.parts):
                kind = "" if isinstance(each, ImportError) else f"{type(each).__name__}, "
                return f" ({kind}{_near(file)}:{frame.lineno})"
    return ""


def _where_to_find(error: BaseException, app: Path) -> str:
    """Says what to do about a module that an app's import lacks; nothing if that is the app."""
    lacking = (each for each in causes_of(error) if isinstance(each, ModuleNotFoundError))
    # ADK raises a copy of its error, without the name.
    module = next((each.name for each in lacking if each.name), "")
    package = module.partition(".")[0]
    if not package or package == app.name:
        return ""
    if module.startswith("google.adk."):
        return f"; google-adk {version('google-adk')} has none: the app is of another release"
    above = (folder for folder in app.parents if (folder / package).is_dir())
    if folder := next(above, None):
        return f"; it lies in {folder}: run with PYTHONPATH={folder}"
    return "; install what has it into the environment that this runs in"


def _file_of(loaded: object, name: str) -> Path | None:
    """Finds the file of the module in which ADK found an app; None for one of YAML."""
    for module in (sys.modules.get(name), sys.modules.get(f"{name}.agent")):
        values = [getattr(module, field, None) for field in ("app", "root_agent")]
        if any(value is loaded for value in values) and (file := getattr(module, "__file__", "")):
            return Path(file)
    return None


def _near(file: Path) -> Path:
    return file.relative_to(Path.cwd()) if file.is_relative_to(Path.cwd()) else file


def lines_to_record(place: FoundApp) -> list[str]:
    """Writes the lines that give an app a recorder, first among its plugins."""
    recorder = "from adk_flow import FlowPlugin"
    if place.form == "app":
        return [recorder, "", "app.plugins.insert(0, FlowPlugin())"]
    root, imports = "root_agent", ["from google.adk.apps import App", ""]
    if place.form == "yaml":
        loader = "from google.adk.agents.config_agent_utils import from_config"
        imports = ["from pathlib import Path", "", loader, *imports]
        root = 'from_config(str(Path(__file__).with_name("root_agent.yaml")))'
    made = f'app = App(name="{place.app.name}", root_agent={root}, plugins=[FlowPlugin()])'
    return [*imports[:-1], recorder, "", made]


def with_recorder(app: App, recorder: FlowPlugin) -> App:
    """Copies an app with one recorder, first among its plugins, in place of its own."""
    others = [plugin for plugin in app.plugins if not isinstance(plugin, FlowPlugin)]
    return app.model_copy(update={"plugins": [recorder, *others]})
