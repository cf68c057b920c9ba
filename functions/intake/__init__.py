"""Turns the execution input into a manifest: reads and checks all that it names, and reports every fault."""
