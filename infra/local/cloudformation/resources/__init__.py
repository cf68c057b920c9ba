"""How each resource type is created through its own API."""
