"""The dry run: what an execution would do, found without changing anything."""
