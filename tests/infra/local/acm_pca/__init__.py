"""Tests of the embedded Private CA."""
