"""Records to tables, figures, one HTML page, and the caveats that a reader needs."""
