"""A Python environment per ADK release, made by uv, kept and used again."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from importlib.metadata import requires
from pathlib import Path
from typing import NamedTuple

from packaging.requirements import Requirement
from packaging.version import InvalidVersion, Version

from adk_flow._data import digest_of
from adk_flow.errors import AdkFlowError

_NETWORK = re.compile(r"fetch|connect|dns|network|timed out|resolve host", re.I)
_LABEL = re.compile(r"^\W*(?:(?:error|cause|caused by|hint):)?\s*", re.I)
_ADK = re.compile(r"^\s*google[-_.]adk(\[[^\]]*\])?", re.I | re.M)
_OFFLINE = {"extra": "offline"}


class Needs(NamedTuple):
    """What an app needs besides google-adk and what adk-flow brings."""

    packages: tuple[str, ...] = ()
    """As for pip: `name`, `name==1.2`."""
    requirements: Path | None = None
    """The app's `requirements.txt`, whose bounds of google-adk do not count."""

    @property
    def text(self) -> str:
        """All of it, as one requirements file would say it."""
        file = self.requirements
        lines = file.read_text(encoding="utf-8", errors="replace") if file else ""
        return "\n".join([*self.packages, lines])


NO_NEEDS = Needs()


def needs_of(app: Path, packages: Iterable[str]) -> Needs:
    """Collects what an app needs: packages that are named, and its `requirements.txt`."""
    file = (app if app.is_dir() else app.parent) / "requirements.txt"
    return Needs(tuple(packages), file.resolve() if file.is_file() else None)


def default_folder() -> Path:
    """Names the folder that the platform keeps caches in."""
    home = Path.home()
    if sys.platform == "win32":
        cache = Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
    elif sys.platform == "darwin":
        cache = home / "Library" / "Caches"
    else:
        cache = Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache")
    return cache / "adk-flow" / "environments"


def order_releases(names: Iterable[str]) -> list[str]:
    """Puts releases in their order, each once.

    Raises:
      AdkFlowError: there are fewer than two, or one is none.
    """
    releases = sorted(set(names), key=check_release)
    if len(releases) < 2:
        raise AdkFlowError("needs two releases or more", argument="release")
    return releases


def check_release(release: str) -> Version:
    """Reads the number of a release that adk-flow works with.

    Raises:
      AdkFlowError: it is written as no release is, or adk-flow does not work with it.
    """
    try:
        version = Version(release)
    except InvalidVersion:
        expected = "is no release; expected one such as 2.13.0"
        raise AdkFlowError(expected, argument="release", value=release) from None
    bounds = next(need.specifier for need in _own_needs() if need.name == "google-adk")
    if not bounds.contains(version, prereleases=True):
        works = f"adk-flow works with google-adk{bounds}"
        raise AdkFlowError(works, argument="release", value=release)
    return version


def environment_of(release: str, folder: Path, needs: Needs = NO_NEEDS) -> Path:
    """Names the environment of a release; another Python or other needs have another."""
    text = " ".join(filter(None, [*_own_packages(), needs.text]))
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    return folder / f"google-adk-{release}-python{python}-{digest_of(text, 4)}"


def python_of(environment: Path) -> Path:
    """Names the Python of an environment."""
    windows = environment / "Scripts" / "python.exe"
    return windows if sys.platform == "win32" else environment / "bin" / "python"


def ready(release: str, folder: Path, tell: Callable[[str], None], needs: Needs = NO_NEEDS) -> Path:
    """Finds the Python of a release's environment, which is made, and told, where there is none.

    Raises:
      AdkFlowError: it cannot be made; nothing of it is left.
    """
    place = environment_of(release, folder, needs)
    if not python_of(place).exists():
        # pip puts it beside the Python that adk-flow runs on, which need not be on the path.
        uv = shutil.which("uv") or shutil.which("uv", path=Path(sys.executable).parent)
        if uv is None:
            raise AdkFlowError(
                f"an environment with google-adk {release} is made by uv, which is not installed: "
                "pip install uv, or see https://docs.astral.sh/uv"
            )
        tell(f"ADK {release}: making its environment, once ({place})")
        try:
            _make(uv, release, place, needs)
        except OSError as error:
            raise AdkFlowError(f"{folder}: cannot be written: {error.strerror}") from error
    return python_of(place)


def _make(uv: str, release: str, place: Path, needs: Needs) -> None:
    """Makes an environment beside its place, and moves it there once it is complete."""
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".making-", dir=place.parent) as making:
        environment = Path(making) / "environment"
        _run([uv, "venv", "--python", sys.executable, str(environment)], release)
        install = [uv, "pip", "install", "--python", str(python_of(environment))]
        _run([*install, *_requirements(release, needs, Path(making) / "adk.txt")], release)
        if place.exists():
            # Another process was faster, or the Python that an old one was made of is gone.
            if python_of(place).exists():
                return
            shutil.rmtree(place)
        environment.rename(place)


def _requirements(release: str, needs: Needs, pin: Path) -> list[str]:
    """Lists for uv what to install; a file that is written pins google-adk, whoever needs it."""
    adk = next((extras for extras in _ADK.findall(needs.text) if extras), "")
    pin.write_text(f"google-adk{adk}=={release}")
    files = [str(file) for file in (needs.requirements, pin) if file]
    requirements = [word for file in files for word in ("--requirement", file)]
    return [*_own_packages(), *needs.packages, *requirements, "--override", str(pin)]


def _run(command: Sequence[str], release: str) -> None:
    # An active environment is not the one that is meant.
    kept = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    try:
        subprocess.run(command, env=kept, check=True, capture_output=True, text=True)
    except subprocess.CalledProcessError as error:
        # Without uv's signs and what it says of Python.
        lines = [_LABEL.sub("", row).strip() for row in (error.stderr or error.stdout).splitlines()]
        lines = [line.rstrip(".") for line in lines if line and not line.startswith("Using ")]
        reason = "; ".join(lines)
        hint = "; is there a network?" if _NETWORK.search(reason) else ""
        message = f"ADK {release}: uv could not make its environment: {reason}{hint}"
        raise AdkFlowError(message) from error


def _own_packages() -> list[str]:
    """Names what adk-flow and its offline model need, in whatever version goes with ADK's."""
    # The release under test brings its own.
    return sorted({need.name for need in _own_needs()} - {"google-adk", "google-genai"})


def _own_needs() -> list[Requirement]:
    needs = map(Requirement, requires("adk-flow") or [])
    return [need for need in needs if need.marker is None or need.marker.evaluate(_OFFLINE)]
