"""All tests here run kernels in a fast simulator, or on a GPU where LOSSGEN_TEST_GPU=1 says there is one."""

import pytest
import simulator


@pytest.fixture(scope="session", autouse=True)
def fast_simulator():
    if not simulator.ON_GPU:
        simulator.install()
