"""Tests of the revocation lists of a trust store."""
