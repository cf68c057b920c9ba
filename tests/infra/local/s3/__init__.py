"""Tests of what the embedded S3 does otherwise than moto's."""
