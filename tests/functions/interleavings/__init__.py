"""Tests of executions at the same time, in every order of their calls."""
