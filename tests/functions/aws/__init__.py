"""Tests of the AWS calls: their error codes become our errors."""
