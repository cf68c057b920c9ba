"""From the execution input to the manifest: read, check, collect every fault."""
