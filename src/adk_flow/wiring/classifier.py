"""A classifier that asks no model: whose description a message is likest, by word embeddings."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

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
from adk_flow.models.request.functions import Option

SHARPNESS = 20.0
"""What likeness is multiplied by before it is made probabilities; they are not calibrated."""


class EmbeddingClassifier(BaseClassifier):
    """Chooses a label by what was said last, or if that fits none, by all that was said."""

    model: str = "wordllama"

    async def classify(
        self, *, input: ClassifierInput, questions: Mapping[str, Question]
    ) -> ClassifierResponse:
        """Answers questions of choice about what a user said, message by message."""
        messages = [str(words) for words in input] if isinstance(input, Sequence) else [str(input)]
        choices = {name: asked for name, asked in questions.items() if isinstance(asked, Choice)}
        return ClassifierResponse(
            answers={name: choose_likest(messages, choice) for name, choice in choices.items()}
        )


class PlannedClassifier(EmbeddingClassifier):
    """Gives the choice of a plan where one is played, with the probabilities of its own."""

    written_as: ClassVar[type] = EmbeddingClassifier

    async def classify(
        self, *, input: ClassifierInput, questions: Mapping[str, Question]
    ) -> ClassifierResponse:
        """Answers questions of choice."""
        response = await super().classify(input=input, questions=questions)
        override = override_in_force()
        if override and override.choose:
            for answer in response.answers.values():
                if isinstance(answer, ChoiceAnswer):
                    names = map(str, answer.probabilities)
                    answer.choice = override.choose([*names]) or answer.choice
        return response


def choose_likest(messages: Sequence[str], choice: Choice) -> ChoiceAnswer:
    """Chooses the label whose description what a user said is likest."""
    options = [Option(name, str(text or name)) for name, text in choice.criteria.items()]
    ranking = fit(messages[-1], options)
    if not ranking.is_near:
        ranking = fit(" ".join(messages), options)
    weights = np.exp(SHARPNESS * (np.array(ranking.scores, dtype=float) - max(ranking.scores)))
    names = [option.name for option in options]
    shares = (weights / weights.sum()).tolist()
    probabilities = dict(zip(names, shares, strict=True))
    return ChoiceAnswer(choice=names[ranking.best], probabilities=probabilities)
