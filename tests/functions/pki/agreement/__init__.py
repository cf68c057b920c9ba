"""Variants of a CA and its CRL, and what OpenSSL and this product decide about them."""
