"""What a model request holds."""
