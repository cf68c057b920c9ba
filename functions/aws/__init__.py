"""Every AWS call: one file per service, one function per API action."""
