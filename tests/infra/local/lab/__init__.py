"""Tests of `make up` and `make demo`."""
