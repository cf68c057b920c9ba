"""Step Functions: corrects moto's interpreter, and lets tasks act in the state machine's role."""
