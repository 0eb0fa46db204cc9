"""The recorder: an ADK plugin that writes each hook into the flow log of its session."""
