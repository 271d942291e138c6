"""What each process counts and reports."""
