"""What a run has counted, and how that is judged: figures and verdicts, drawn elsewhere."""
