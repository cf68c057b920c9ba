"""Tests of certificates, keys, serial numbers and CRLs, without AWS."""
