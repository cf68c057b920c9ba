"""The operator's command line: `revocation plan`, `start`, `watch`, `report`, `list`, `find`."""
