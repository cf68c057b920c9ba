"""Tests of what the embedded Step Functions does otherwise than moto's."""
