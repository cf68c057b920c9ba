"""Tests of the embedded trust stores and listeners' API."""
