"""The end of an execution: its verdict, its report, and the notifications to people and programs."""
