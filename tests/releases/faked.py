"""The command for releases, with a uv that makes environments of this very Python."""

import sys
from importlib.metadata import version

from typer.testing import CliRunner

from adk_flow.cli import make_command

ADK = version("google-adk")
DESK = """
from google.adk.agents import LlmAgent
savings = LlmAgent(name="Savings", model="offline", description="Saving, funds and shares.")
root_agent = LlmAgent(name="Root", model="gemini-2.5-flash", description="Leads.",
                      sub_agents=[savings])
"""
UNTOLD = "under an LlmAgent root, Root gets no after_agent after it transfers away"


def fake_uv(folder, install):
    """A uv that makes an environment of this very Python, and installs by a line of shell."""
    uv = folder / "uv"
    uv.write_text(
        "#!/bin/sh\n"
        f'echo "$1 $2" >> "{folder}/calls"\n'
        'if [ "$1" = venv ]; then\n'
        '  /bin/mkdir -p "$4/bin"\n'
        f'  printf \'#!/bin/sh\\nexec "{sys.executable}" "$@"\\n\' > "$4/bin/python"\n'
        '  /bin/chmod +x "$4/bin/python"\n'
        "  exit 0\n"
        "fi\n"
        f"{install}\n"
    )
    uv.chmod(0o755)


def invoke(*words):
    return CliRunner().invoke(make_command(), ["versions", *map(str, words)], env={"COLUMNS": "80"})


def both(desk, folder, *words):
    releases = ("--adk", "1.39.1", "--adk", ADK)
    return invoke(desk, *releases, "--question", "Funds?", "--environments", folder, *words)
