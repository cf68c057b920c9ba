"""Tests of the Lambda functions, each as its state runs it."""
