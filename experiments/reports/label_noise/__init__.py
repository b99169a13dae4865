"""The label noise study's part of a report."""
