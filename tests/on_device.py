"""Arrays on the device for tests: Numba's, of the simulator or of a GPU."""

import numpy as np
from requiring import require

cuda = require("numba.cuda")

from lossgen.runtime.cuda.toolchain import SIMULATED  # noqa: E402

if SIMULATED:
    import simulator

    simulator.install()


def device_array(array):
    """A C-contiguous array on the device."""
    return cuda.to_device(np.ascontiguousarray(array))


def host_array(array) -> np.ndarray:
    """Back again."""
    return np.asarray(array.copy_to_host())
