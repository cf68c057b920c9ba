"""Tests of the embedded Lambda."""
