"""`python -m benchmarks`: lossgen next to its peers, one process each, their rounds interleaved."""
