"""How accurate vector math is: float32 over all 2³² inputs, float64 against double-double arithmetic.

`make exhaustive` runs it and writes docs/vector-math.md; the tests run a sample of it.
"""
