"""Tests of the Lambda functions, each as its state runs it, alone and at the same time as others."""
