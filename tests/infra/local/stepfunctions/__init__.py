"""Tests of the embedded Step Functions."""
