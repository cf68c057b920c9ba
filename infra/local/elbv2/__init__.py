"""Trust stores of Elastic Load Balancing."""
