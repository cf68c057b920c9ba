"""`make up` and `make demo`: the embedded AWS with everything that a revocation needs, and the stack deployed on it."""
