"""A short piece on money: researched side by side, written, reviewed until it holds, headed.

      ┌──► Saving_Researcher ──┐            ┌──► Fact_Reviewer ──┐
user ─┤                        ├──► Writer ─┤                    ├──► Optimiser ── user
      └──► Pension_Researcher ─┘      ▲     └──► Style_Reviewer ─┘
                                      └──────── remarks ─────┘
"""

import sys
from pathlib import Path

# `adk run` puts the folder above this one on the path, not the repository's.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from google.adk.apps import App

from callbacks.flow_log import flow_log
from callbacks.tool_threads import ToolThreads
from examples.content.stages import Staff, staged
from sub_agents.optimiser import optimiser
from sub_agents.researchers import pension_researcher, saving_researcher
from sub_agents.reviewers import fact_reviewer, style_reviewer
from sub_agents.writer import writer

staff = Staff(
    researchers=[saving_researcher, pension_researcher],
    writer=writer,
    reviewers=[fact_reviewer, style_reviewer],
    optimiser=optimiser,
)

root_agent = staged("content", staff)

app = App(name="content", root_agent=root_agent, plugins=[flow_log("stages"), ToolThreads()])
