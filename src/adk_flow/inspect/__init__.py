"""The agents of an app, seen before any run."""
