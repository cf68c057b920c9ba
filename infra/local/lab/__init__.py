"""make up and make demo."""
