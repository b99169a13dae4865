"""The benchmark: data sets, training, records, statistics and reports, in that order."""
