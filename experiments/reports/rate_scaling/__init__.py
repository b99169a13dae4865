"""The rate scaling study's part of a report."""
