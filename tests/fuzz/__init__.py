"""A fuzzer of the compiler: random declarations, compiled, against the declared formula in high precision."""
