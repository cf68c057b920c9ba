"""Tests of the command line, the deployment and the embedded AWS."""
