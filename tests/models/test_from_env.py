"""Which model `MODEL_NAME` and the keys in the environment choose."""

import pytest
from google.adk.agents import LlmAgent
from google.adk.models.lite_llm import LiteLlm

from adk_flow.models.from_env import model_from_env

KEYS = ["MODEL_NAME", "GOOGLE_API_KEY", "GEMINI_API_KEY", "OPENAI_API_KEY", "GROQ_API_KEY"]
KEYS += ["GOOGLE_GENAI_USE_VERTEXAI", "GOOGLE_GENAI_USE_ENTERPRISE"]


@pytest.fixture(autouse=True)
def bare(monkeypatch):
    for key in KEYS:
        monkeypatch.delenv(key, raising=False)


@pytest.mark.parametrize(
    ("named", "keys", "model"),
    [
        ("", [], "offline"),
        ("", ["OPENAI_API_KEY"], "openai/gpt-4-turbo"),
        ("", ["OPENAI_API_KEY", "GOOGLE_API_KEY"], LlmAgent.DEFAULT_MODEL),
        ("offline", ["GOOGLE_API_KEY"], "offline"),
        ("gemini-2.5-flash", ["GOOGLE_API_KEY"], "gemini-2.5-flash"),
        ("groq/llama-3.1-8b-instant", ["GROQ_API_KEY"], "groq/llama-3.1-8b-instant"),
    ],
)
def test_a_name_chooses_else_a_key_and_other_providers_go_through_litellm(
    named, keys, model, monkeypatch
):
    for name, value in {"MODEL_NAME": named, **dict.fromkeys(keys, "k")}.items():
        monkeypatch.setenv(name, value)

    chosen = model_from_env()

    assert isinstance(chosen, LiteLlm if "/" in model else str)
    assert getattr(chosen, "model", chosen) == model


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("gemini-2.5-flash", "MODEL_NAME=gemini-2.5-flash needs GOOGLE_API_KEY; set it in"),
        ("openai/gpt-4-turbo", "MODEL_NAME=openai/gpt-4-turbo needs OPENAI_API_KEY; set it in"),
        ("nosuch/model", "LiteLLM knows no provider 'nosuch'"),
        ("jibberish", "MODEL_NAME=jibberish is not a known model; expected offline, a gemini-"),
    ],
)
def test_what_cannot_be_used_ends_the_start_in_one_line(monkeypatch, name, reason):
    monkeypatch.setenv("MODEL_NAME", name)

    with pytest.raises(SystemExit) as end:
        model_from_env()

    assert reason in str(end.value)
    assert "\n" not in str(end.value)
