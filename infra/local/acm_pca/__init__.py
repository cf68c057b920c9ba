"""AWS Private CA with real keys, certificates, revocations and CRLs, none of which moto has."""
