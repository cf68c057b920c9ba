"""Tests of what `make lint` and `make generate` run."""
