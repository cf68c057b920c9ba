"""Deploys the SAM template to the embedded AWS; moto's own CloudFormation silently skips what it does not support."""
