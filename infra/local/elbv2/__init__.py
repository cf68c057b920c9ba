"""Trust stores and mutual TLS of Elastic Load Balancing, which moto's load balancers lack."""
