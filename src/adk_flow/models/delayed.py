"""A model that takes a real model's time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

from google.adk.models.base_llm import BaseLlm
from google.adk.models.llm_request import LlmRequest
from google.adk.models.llm_response import LlmResponse

from adk_flow.analysis.latency import LatencyProfile


class ModelWrapper(BaseLlm):
    """A model that asks another, in whose name it answers."""

    inner: BaseLlm

    @property
    def capabilities(self) -> Any:  # of a class that releases before 2.x do not have
        """Says what the other model can do."""
        return self.inner.capabilities


class DelayedModel(ModelWrapper):
    """Answers as another model does, after the time that a latency profile gives."""

    profile: LatencyProfile

    async def generate_content_async(
        self, llm_request: LlmRequest, stream: bool = False
    ) -> AsyncGenerator[LlmResponse, None]:
        """Gives the other model's answer once its output tokens would have been generated."""
        answers = [
            answer async for answer in self.inner.generate_content_async(llm_request, stream)
        ]
        usages = [one.usage_metadata for one in answers if one.usage_metadata and not one.partial]
        generated = [(usage.candidates_token_count, usage.thoughts_token_count) for usage in usages]
        tokens = sum(count or 0 for counts in generated for count in counts)
        await asyncio.sleep(self.profile.microseconds(tokens) / 1e6)
        for answer in answers:
            yield answer
