"""The revocation lists of a trust store: read, rank, fit, compare."""
