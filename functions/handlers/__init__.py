"""One file per Lambda function, named after the state (or event) that invokes it."""
