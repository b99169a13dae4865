"""A look inside the gate: what the notebooks call."""
