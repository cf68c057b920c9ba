"""Tests of the deployment of templates to the embedded AWS."""
