"""Every AWS call: one module per service, one function per API action."""
