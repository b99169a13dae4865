"""Entries and rows of tables, for tests of reports."""

from experiments.analysis import summaries


def entries_of(synthetic, *runs):
    """Entries from (data set, optimizer, accuracies in per cent[, overrides])."""
    return summaries.entries(
        synthetic(dataset, optimizer, seed, train_accuracy=value / 100, **dict(*more))
        for dataset, optimizer, values, *more in runs
        for seed, value in enumerate(values)
    )


def row_of(table, start):
    """The one row whose first cell begins so, by column."""
    (row,) = [row for row in table.rows if row and row[0].startswith(start)]
    return dict(zip(table.header, row, strict=True))
