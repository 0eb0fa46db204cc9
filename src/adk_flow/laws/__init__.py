"""What each construct takes as formulas, fitted to controlled runs, and what follows for an app."""
