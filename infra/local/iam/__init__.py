"""IAM: the policies of roles are enforced on every signed request, and used permissions are recorded.

By default moto enforces none, and it records nothing.
"""
