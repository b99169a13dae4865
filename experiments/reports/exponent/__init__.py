"""The exponent study's part of a report."""
