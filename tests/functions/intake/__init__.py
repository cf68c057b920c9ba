"""Tests of what is read from an execution's input."""
