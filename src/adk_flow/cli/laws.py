"""`adk-flow laws` and `predict`: what constructs take, as formulas, and of an app before a run."""

from __future__ import annotations

import asyncio
from typing import Annotated

import msgspec
import typer

from adk_flow.analysis.latency import DEFAULT_PROFILE, PROFILES, profile_named
from adk_flow.cli.loading import import_app, note_prices, use_files
from adk_flow.cli.options import FORMAT, AppPath, PricesFile, ProfilesFile, TextFormat
from adk_flow.cli.output import app_output_on_stderr, print_json
from adk_flow.comparison.spec import choose_price_model
from adk_flow.errors import AdkFlowError
from adk_flow.laws.crossings import LawSetting, find_law_winners
from adk_flow.laws.table import read_laws
from adk_flow.render.laws import write_laws, write_prediction
from adk_flow.render.terminal import plain_console


def show_laws(
    latency: Annotated[
        str,
        typer.Option(
            help="Model whose response times are assumed, or milliseconds that every call takes; "
            "by default gemini-2.5-flash."
        ),
    ] = "",
    latency_profile: ProfilesFile = None,
    prices: PricesFile = None,
    form: Annotated[TextFormat, FORMAT] = "text",
) -> None:
    """Prints what each construct takes as formulas, and where the winner changes.

    By topics, follow-ups, specialists, their tools and words of history, fitted to controlled runs.
    """
    named = use_files(latency, latency_profile, prices) or DEFAULT_PROFILE
    if named == "none":
        raise AdkFlowError(
            f"laws have no measured times; take one of {', '.join(PROFILES)}, or milliseconds",
            argument="latency",
            value=named,
        )
    pace = profile_named(named)
    setting = LawSetting(pace, choose_price_model(pace, controlled=True))
    note_prices(prices, setting.model, pace.name)
    table = read_laws()
    if form == "text":
        print(f"Fitted to controlled runs with google-adk {table.adk}.")
        print(write_laws(table.grid, setting, plain_console().width), end="")
    else:
        winners = list(find_law_winners(table.grid, setting))
        laws = msgspec.to_builtins(table.grid, enc_hook=str)
        print_json("laws", {"adk": table.adk, "laws": laws, "winners": winners})


def predict_constructs(app: AppPath, form: Annotated[TextFormat, FORMAT] = "text") -> None:
    """Predicts which constructs take fewest calls and fewest tokens, from an app's agents alone.

    No agent runs, but the app's code is imported.
    """
    with app_output_on_stderr(form):
        loaded = import_app(app)
        from adk_flow.laws.prediction import predict_winners

        table = read_laws()
        prediction = asyncio.run(predict_winners(loaded, table.apps))
    if form == "json":
        print_json("predict", {"adk": table.adk, "prediction": prediction})
    else:
        print(write_prediction(prediction, table, plain_console().width), end="")
