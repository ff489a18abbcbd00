"""What may go wrong around a loss compiler, done on purpose and counted: `python -m faults`.

Every trial ends in a process of its own that compiles a loss and computes with it. Its results must be those
of an undisturbed process, bit by bit, within the time limit, and no file that was whole may be missing then.
"""
