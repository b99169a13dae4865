"""The ablation study's part of a report."""
