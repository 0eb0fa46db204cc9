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


def test_without_name_and_key_it_is_offline():
    assert model_from_env() == "offline"


def test_without_name_a_key_chooses(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    model = model_from_env()
    assert isinstance(model, LiteLlm)
    assert model.model == "openai/gpt-4-turbo"
    monkeypatch.setenv("GOOGLE_API_KEY", "k")
    assert model_from_env() == LlmAgent.DEFAULT_MODEL


def test_a_name_goes_before_any_key(monkeypatch):
    monkeypatch.setenv("GOOGLE_API_KEY", "k")
    monkeypatch.setenv("MODEL_NAME", "offline")
    assert model_from_env() == "offline"
    monkeypatch.setenv("MODEL_NAME", "gemini-2.5-flash")
    assert model_from_env() == "gemini-2.5-flash"


def test_any_provider_goes_through_litellm(monkeypatch):
    monkeypatch.setenv("GROQ_API_KEY", "k")
    monkeypatch.setenv("MODEL_NAME", "groq/llama-3.1-8b-instant")
    assert isinstance(model_from_env(), LiteLlm)


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
