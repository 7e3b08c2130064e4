"""Real programs beside a run: where they listen, how they are found, started, awaited and asked."""
