"""What all tests share: where Keras runs, and that CUDA kernels run in Numba's simulator."""

import os

os.environ.setdefault("KERAS_BACKEND", "torch")
if os.environ.get("LOSSGEN_TEST_GPU") != "1":
    os.environ["NUMBA_ENABLE_CUDASIM"] = "1"  # is read when Numba is imported
