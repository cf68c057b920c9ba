"""Tests of the mTLS listener."""
