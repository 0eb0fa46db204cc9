"""The advice desk, an ADK application."""
