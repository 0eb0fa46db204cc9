"""A Workflow within a Workflow."""

from google.adk.agents import LlmAgent
from google.adk.workflow import Workflow

plan = LlmAgent(name="plan", model="gemini-2.5-flash", instruction="Plan it.")
cut = LlmAgent(name="cut", model="gemini-2.5-flash", instruction="Cut it.")
weld = LlmAgent(name="weld", model="gemini-2.5-flash", instruction="Weld it.")
assembly = Workflow(name="assembly", edges=[("START", cut, weld)])
pack = LlmAgent(name="pack", model="gemini-2.5-flash", instruction="Pack it.")
root_agent = Workflow(name="factory", edges=[("START", plan, assembly, pack)])
