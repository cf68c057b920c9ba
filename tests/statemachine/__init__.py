"""Tests of the state machine and of the whole workflow."""
