"""Pure functions of records: intervals, paired differences, rankings, profiles."""
