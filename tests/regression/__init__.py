"""Results of every loss and penalty that ships, recorded: `python -m regression` compares them.

An upgrade of lossgen, of Numba or of a compiler that changes a bit shows as a difference of a line.
"""
