"""Loads an app and runs one conversation with it."""
