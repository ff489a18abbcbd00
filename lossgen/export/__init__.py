"""One loss as one module that needs only NumPy and Numba, linked from the same sources that lossgen runs."""
