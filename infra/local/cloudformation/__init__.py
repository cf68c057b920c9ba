"""Deploys the template."""
