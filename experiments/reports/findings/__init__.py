"""One page for all studies: every question, its verdict by rule, and what is missing."""

from experiments.reports.findings.page import build, overview, write

__all__ = ["build", "overview", "write"]
