"""What is told at the end: report, verdict, notifications."""
