"""What make lint and make generate run."""
