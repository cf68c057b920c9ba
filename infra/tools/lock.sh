#!/bin/sh
# Locks each dependency group of pyproject.toml by version and hash; UV names the uv to use.
set -eu
lock() { "$UV" pip compile --universal --python-version 3.11 --generate-hashes --no-header --quiet "$@"; }
lock pyproject.toml --group dev --output-file requirements.txt
lock pyproject.toml --group layer --constraint requirements.txt --output-file requirements-layer.txt
lock pyproject.toml --group runtime --constraint requirements.txt --output-file requirements-runtime.txt
lock pyproject.toml --group uv --output-file requirements-uv.txt
lock pyproject.toml --group sam --output-file requirements-sam.txt
lock pyproject.toml --group checkov --output-file requirements-checkov.txt
lock pyproject.toml --group mutation --constraint requirements.txt --output-file requirements-mutation.txt
