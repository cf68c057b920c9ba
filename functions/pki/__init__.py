"""Certificates, CRLs and serial numbers as RFC 5280 defines them, from bytes alone: no AWS, no pydantic."""
