"""The same conversations under several constructs."""

from adk_flow.comparison.from_logs import compare_logs
from adk_flow.comparison.recommend import write_caveats, write_recommendation
from adk_flow.comparison.spec import read_conversations

__all__ = ["compare_logs", "read_conversations", "write_caveats", "write_recommendation"]
