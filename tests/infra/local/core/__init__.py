"""Tests of the modules that all services of the embedded AWS share."""
