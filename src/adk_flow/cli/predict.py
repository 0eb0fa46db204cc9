"""`adk-flow predict`: which construct takes least with an app, before any run."""

from __future__ import annotations

import asyncio
from typing import Annotated

from adk_flow.cli.loading import import_app
from adk_flow.cli.options import FORMAT, AppPath, TextFormat
from adk_flow.cli.output import app_output_on_stderr, print_json


def predict_constructs(app: AppPath, form: Annotated[TextFormat, FORMAT] = "text") -> None:
    """Names the constructs of fewest calls and of fewest tokens, from an app's static picture.

    No agent runs, but the app's code is imported.
    """
    with app_output_on_stderr(form):
        loaded = import_app(app)
        from adk_flow.laws.prediction import predict_winners
        from adk_flow.laws.table import read_laws
        from adk_flow.render.laws import write_prediction

        table = read_laws()
        prediction = asyncio.run(predict_winners(loaded, table.apps))
    if form == "json":
        print_json("predict", {"adk": table.adk, "prediction": prediction})
    else:
        print(write_prediction(prediction, table), end="")
