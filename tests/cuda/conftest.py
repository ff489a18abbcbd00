"""All tests here run kernels in a fast simulator."""

import os

import pytest
import simulator


@pytest.fixture(scope="session", autouse=True)
def fast_simulator():
    if os.environ.get("LOSSGEN_TEST_GPU") != "1":
        simulator.install()
