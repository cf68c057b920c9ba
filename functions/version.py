"""The version of this product; pyproject.toml and infra/template.yaml, as the stack's output, have it too."""

VERSION = "0.2.0"
