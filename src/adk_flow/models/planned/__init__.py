"""A model that plays the plan of a conversation's turn, alike under every construct.

A request is read (`view`), set beside the app's agents (`agent_map`) and how far the turn has come
(`turn`), and the next step follows (`steps`).
"""

from adk_flow.models.planned.plugin import PlanPlugin as PlanPlugin
