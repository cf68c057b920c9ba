"""Settings, parsed requests, injected faults and background work, which all services share."""
