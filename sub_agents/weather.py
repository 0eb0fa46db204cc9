"""The weather bot of the evening brief."""

from google.adk.agents import LlmAgent

from adk_flow.models import model_from_env
from tools.weather import evening_weather

weather_bot = LlmAgent(
    name="Weather_Bot",
    model=model_from_env(),
    description="Tells the evening's weather in a city: temperature, rain, wind, what to wear.",
    instruction=(
        "You are Weather_Bot, a laconic meteorologist. Look the evening's weather up with your "
        "tool and give its figures in one sentence, then in one more what to wear or to take "
        "along. Say that it is sample data. If the tool reports an error, say what it needs. Use "
        "plain British English."
    ),
    tools=[evening_weather],
)
