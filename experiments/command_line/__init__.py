"""The options of every command, and what those of `run` ask for."""
