"""The embedded AWS: moto and what moto lacks, in one process."""
