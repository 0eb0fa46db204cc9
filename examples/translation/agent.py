"""English to German, best of three: translators work at once, an anonymous choice is made.

      ┌──► Literal_Translator ─┐
user ─┼──► Plain_Translator ───┼──► Selector ── user
      └──► Free_Translator ────┘
"""

import sys
from pathlib import Path

# `adk run` puts the folder above this one on the path, not the repository's.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from google.adk.apps import App

from adk_flow.wiring.best_of import best_of
from callbacks.flow_log import flow_log
from callbacks.tool_threads import ToolThreads
from sub_agents.translators import selector, translators
from tools.translation_book import foreign
from tools.translation_checks import judged

root_agent = best_of("translation", translators(), selector, fallback=judged, refuse=foreign)

app = App(name="translation", root_agent=root_agent, plugins=[flow_log("best_of_n"), ToolThreads()])
