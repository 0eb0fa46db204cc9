"""The arguments and options that several commands share, and the formats that each writes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

CheckFormat = Literal["text", "junit", "github", "json"]
DiagramFormat = Literal["text", "mermaid", "json"]
TextFormat = Literal["text", "json"]
ReportFormat = Literal["text", "markdown", "json"]

LOGS = typer.Argument(
    metavar="LOG...",
    help="Flow logs of one session and its A2A servers, or folders: their newest session.",
)
FORMAT = typer.Option("--format", help="Output format.")

AppPath = Annotated[Path, typer.Argument(metavar="APP", help="Folder or module of an ADK app.")]
ConversationFile = Annotated[
    Path | None, typer.Option(help="YAML file of turns (docs/conversations.md).")
]
Questions = Annotated[
    list[str] | None, typer.Option(help="A user message, instead of a file; repeatable.")
]
DecisionsFile = Annotated[
    Path | None, typer.Option(help="File of the model's decisions (docs/decisions.md).")
]
CassetteFile = Annotated[
    Path | None,
    typer.Option(
        "--cassette", help="File of models' answers to reuse; what is not in it is asked and added."
    ),
]
Model = Annotated[
    str, typer.Option(help="Model of every agent, such as `offline`; by default the app's.")
]
Deep = Annotated[
    bool, typer.Option("--deep", help="Rewire specialists' own agents too, all on one level.")
]
AdvisorModel = Annotated[
    str, typer.Option(help="Stronger model that `advisor` may ask, such as `gemini-2.5-pro`.")
]
Latency = Annotated[
    str,
    typer.Option(
        help="Model whose response times are assumed, or `none` for times as measured; "
        "by default gemini-2.5-flash, unless a real model answers."
    ),
]
PricesFile = Annotated[
    Path | None,
    typer.Option("--prices", help="YAML file of prices: US dollars per million tokens, by model."),
]
ProfilesFile = Annotated[
    Path | None,
    typer.Option(
        "--latency-profile",
        help="YAML file of milliseconds that a call and a token take, by model.",
    ),
]
State = Annotated[
    str, typer.Option(help="Initial session state: a JSON object, or a file that holds one.")
]
