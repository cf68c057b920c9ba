"""Reads, ranks, adds, removes and compares the revocation lists of trust stores."""
