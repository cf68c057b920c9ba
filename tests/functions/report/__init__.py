"""Tests of the report, the verdict and the notifications."""
