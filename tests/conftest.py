"""Settings shared by every test: eight host devices, and where the real raw files lie."""

import os
from pathlib import Path

import jax
import pytest
from hypothesis import settings

# Sharding is tested on any machine: one CPU shows itself as eight devices.
jax.config.update("jax_num_cpu_devices", 8)

# The suite tests the same inputs each time, so that what fails is what changed. To look for new
# ones: pytest --hypothesis-profile=default
settings.register_profile("fixed", derandomize=True)
settings.load_profile("fixed")


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real raw files that THERMOLION_TEST_DATA names; skips where it is unset."""
    folder = os.environ.get("THERMOLION_TEST_DATA")
    if not folder:
        pytest.skip("THERMOLION_TEST_DATA is unset: it names the folder of real raw files")
    return Path(folder)
