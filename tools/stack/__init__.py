"""The observability stack on native programs, from the same files of config/ as the containers'."""
