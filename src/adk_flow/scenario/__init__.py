"""Conversation files: what to ask an app, and what must come back."""
