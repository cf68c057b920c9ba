"""One module per AWS service: how its resource types are created, updated and deleted."""
