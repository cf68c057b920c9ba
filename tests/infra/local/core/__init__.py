"""Tests of what all services of the embedded AWS share."""
