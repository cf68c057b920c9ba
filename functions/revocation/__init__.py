"""Revoking at Private CA."""
