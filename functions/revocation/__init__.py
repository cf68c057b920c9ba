"""Revokes certificates at Private CA, one by one or in batches."""
