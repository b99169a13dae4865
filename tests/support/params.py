"""Cases of a parametrized test."""

import functools

import pytest

slow = functools.partial(pytest.param, marks=pytest.mark.slow)
"""A case that only `make slow` runs: a second instance of what the suite tests already."""
