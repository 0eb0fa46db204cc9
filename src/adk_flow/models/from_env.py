"""The model that an application runs on, chosen by `MODEL_NAME` in the environment or `.env`."""

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
_MEND = "set it in the environment or in .env, or set the model to offline"


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

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(reason, argument="model", value=name)
        self.words = f"{name} {reason}"
        """The name and why it cannot be used, where no parameter named it."""


class MissingKeyError(AdkFlowError):
    """An agent whose model needs a key that is not there."""

    def __init__(self, agent: str, name: str) -> None:
        super().__init__(f"agent {agent}: its model {name} needs GOOGLE_API_KEY; {_MEND}")


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
        raise SystemExit(f"adk-flow: MODEL_NAME={error.words}") from error


def _has_google_key() -> bool:
    return any(os.environ.get(key) for key in _GOOGLE_KEYS)


def lacks_google_key() -> bool:
    """Whether Gemini can be asked neither by a key nor on Vertex AI, and has to be asked."""
    flags = ("GOOGLE_GENAI_USE_VERTEXAI", "GOOGLE_GENAI_USE_ENTERPRISE")
    is_on_vertex = any(os.environ.get(flag, "").lower() in ("1", "true") for flag in flags)
    return not (_has_google_key() or is_on_vertex or _is_keyless.get())


def model_named(name: str) -> str | BaseLlm:
    """Gives the model of a name; a ModelChoiceError if that, its key or package is missing."""
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")  # else its import fetches prices
    if "/" in name and not name.startswith(("projects/", "apigee/")):
        return _litellm(name)
    try:
        resolved = LLMRegistry.resolve(name)
    except ValueError:
        reason = "is not a known model; expected offline, a gemini-… name, or provider/model such"
        raise ModelChoiceError(name, f"{reason} as {OPENAI_DEFAULT}") from None
    if issubclass(resolved, Gemini) and lacks_google_key():
        raise ModelChoiceError(name, f"needs GOOGLE_API_KEY; {_MEND}")
    needs_openai = "openai" in resolved.__name__.lower() and not _is_keyless.get()
    if needs_openai and not os.environ.get("OPENAI_API_KEY"):
        raise ModelChoiceError(name, f"needs OPENAI_API_KEY; {_MEND}")
    return name


def _litellm(name: str) -> BaseLlm:
    try:
        import litellm
        from google.adk.models.lite_llm import LiteLlm
    except ImportError as error:
        reason = f"needs LiteLLM: install adk-flow's extra `litellm` ({error})"
        raise ModelChoiceError(name, reason) from None
    provider = name.partition("/")[0]
    if provider not in litellm.provider_list:
        raise ModelChoiceError(name, f"cannot be used: LiteLLM knows no provider {provider!r}")
    # LiteLLM names more than keys, such as an address or AWS's variables, which have defaults.
    lacking = litellm.validate_environment(name)["missing_keys"]
    missing = [key for key in lacking if key.endswith("_API_KEY")]
    if missing and not _is_keyless.get():
        raise ModelChoiceError(name, f"needs {' and '.join(missing)}; {_MEND}")
    return LiteLlm(model=name)
