"""The command line: one command, one file. It knows `run` and the nouns that it prints."""
