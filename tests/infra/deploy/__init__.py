"""Tests of `make deploy` and `make destroy`."""
