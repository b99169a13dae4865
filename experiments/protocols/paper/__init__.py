"""The published protocol: its numbers, its tables' shapes, its flaws."""
