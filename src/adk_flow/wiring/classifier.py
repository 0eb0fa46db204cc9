"""A classifier that asks no model: whose description a message is likest, by word embeddings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from google.adk.labs.classifiers import (
    BaseClassifier,
    Choice,
    ChoiceAnswer,
    ClassifierInput,
    ClassifierResponse,
    Question,
)

from adk_flow.models.enforcement import override_in_force
from adk_flow.models.offline.likeness import fit
from adk_flow.models.offline.routes import ROUTE_FLOOR
from adk_flow.models.request.functions import Option

SHARPNESS = 20.0
"""What likeness is multiplied by before it is made probabilities; they are not calibrated."""


class EmbeddingClassifier(BaseClassifier):
    """Chooses a label by what was said last, or if that fits none, by all that was said.

    Where a plan is played the choice is the plan's, and the probabilities stay its own.
    """

    model: str = "wordllama"

    async def classify(
        self, *, input: ClassifierInput, questions: Mapping[str, Question]
    ) -> ClassifierResponse:
        """Answers questions of choice about what a user said, message by message."""
        messages = [str(one) for one in input] if isinstance(input, Sequence) else [str(input)]
        choices = {name: one for name, one in questions.items() if isinstance(one, Choice)}
        return ClassifierResponse(
            answers={name: _answer(messages, choice) for name, choice in choices.items()}
        )


def _answer(messages: Sequence[str], choice: Choice) -> ChoiceAnswer:
    options = [Option(name, str(text or name)) for name, text in choice.criteria.items()]
    found = fit(messages[-1], options)
    if found.margin < ROUTE_FLOOR:
        found = fit(" ".join(messages), options)
    weights = np.exp(SHARPNESS * (np.array(found.scores, dtype=float) - max(found.scores)))
    names = [option.name for option in options]
    shares = (weights / weights.sum()).tolist()
    override = override_in_force()
    planned = override.choose(names) if override and override.choose else ""
    return ChoiceAnswer(
        choice=planned or names[found.best], probabilities=dict(zip(names, shares, strict=True))
    )
