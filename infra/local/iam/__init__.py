"""IAM: policies and their enforcement."""
