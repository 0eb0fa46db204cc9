"""The model that an application runs on, chosen by `MODEL_NAME` in the environment or `.env`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from google.adk.agents import LlmAgent
from google.adk.models.base_llm import BaseLlm
from google.adk.models.google_llm import Gemini
from google.adk.models.registry import LLMRegistry

from adk_flow.errors import AdkFlowError

OFFLINE = "offline"
OPENAI_DEFAULT = "openai/gpt-4-turbo"
_GOOGLE_KEYS = ("GOOGLE_API_KEY", "GEMINI_API_KEY")
_MEND = "set it in the environment or in .env, or set MODEL_NAME=offline"


_is_keyless: ContextVar[bool] = ContextVar("adk_flow_keyless", default=False)


@contextmanager
def without_keys() -> Iterator[None]:
    """Lets models be named without their keys, for their answers may be kept already."""
    token = _is_keyless.set(True)
    try:
        yield
    finally:
        _is_keyless.reset(token)


class ModelChoiceError(AdkFlowError):
    """A model that cannot be used."""


def model_from_env() -> str | BaseLlm:
    """Gives the model that `MODEL_NAME` names: `offline`, `gemini-…` or LiteLLM's `provider/model`.

    Unset, it is ADK's default Gemini model or OpenAI's if there is a key for one, else `offline`.
    LiteLLM is imported here, because its import takes seconds and would block the first call.

    Raises:
      SystemExit: the name is unknown, or its key or package is missing. ADK's commands show any
        other exception as a traceback (2.13, cli/utils/agent_loader.py); this one is one line.
    """
    default = OPENAI_DEFAULT if os.environ.get("OPENAI_API_KEY") else OFFLINE
    default = LlmAgent.DEFAULT_MODEL if _has_google_key() else default
    try:
        return model_named(os.environ.get("MODEL_NAME", "").strip() or default)
    except ModelChoiceError as error:
        raise SystemExit(f"adk-flow: {error}") from error


def _has_google_key() -> bool:
    return any(os.environ.get(key) for key in _GOOGLE_KEYS)


def model_named(name: str) -> str | BaseLlm:
    """Gives the model of a name, after checking that it can be called.

    Raises:
      ModelChoiceError: the name is unknown, or its key or package is missing.
    """
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")  # else its import fetches prices
    if "/" in name and not name.startswith(("projects/", "apigee/")):
        return _litellm(name)
    try:
        resolved = LLMRegistry.resolve(name)
    except ValueError:
        raise ModelChoiceError(
            f"MODEL_NAME={name} is not a known model; expected offline, a gemini-… name, "
            "or provider/model such as openai/gpt-4-turbo"
        ) from None
    if _is_keyless.get():
        return name
    flags = ("GOOGLE_GENAI_USE_VERTEXAI", "GOOGLE_GENAI_USE_ENTERPRISE")
    is_on_vertex = any(os.environ.get(flag, "").lower() in ("1", "true") for flag in flags)
    if issubclass(resolved, Gemini) and not _has_google_key() and not is_on_vertex:
        raise ModelChoiceError(f"MODEL_NAME={name} needs GOOGLE_API_KEY; {_MEND}")
    if "openai" in resolved.__name__.lower() and not os.environ.get("OPENAI_API_KEY"):
        raise ModelChoiceError(f"MODEL_NAME={name} needs OPENAI_API_KEY; {_MEND}")
    return name


def _litellm(name: str) -> BaseLlm:
    try:
        import litellm
        from google.adk.models.lite_llm import LiteLlm
    except ImportError as error:
        raise ModelChoiceError(
            f"MODEL_NAME={name} needs LiteLLM: install adk-flow's extra `litellm` ({error})"
        ) from None
    provider = name.partition("/")[0]
    if provider not in litellm.provider_list:
        raise ModelChoiceError(f"MODEL_NAME={name}: LiteLLM knows no provider {provider!r}")
    # LiteLLM names more than keys, such as an address or AWS's variables, which have defaults.
    lacking = litellm.validate_environment(name)["missing_keys"]
    missing = [key for key in lacking if key.endswith("_API_KEY")]
    if missing and not _is_keyless.get():
        raise ModelChoiceError(f"MODEL_NAME={name} needs {' and '.join(missing)}; {_MEND}")
    return LiteLlm(model=name)
