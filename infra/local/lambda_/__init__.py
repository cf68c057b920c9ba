"""AWS Lambda: runs the functions' zips in processes of their own, with their roles, logs and metrics.

moto needs Docker to run a function.
"""
