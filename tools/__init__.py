"""What keeps documents in step with the code; run from the repository, not installed."""
