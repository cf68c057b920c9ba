"""Tests of functions/revocation."""
