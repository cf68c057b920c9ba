"""Tests of where it runs."""
