"""An app's agents as Python source that needs google-adk and the app's own modules alone."""
