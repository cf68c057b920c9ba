"""A load balancer's HTTPS listener in mode verify: real mutual TLS against a trust store. moto opens no ports."""
