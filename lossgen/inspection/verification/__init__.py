"""Whether a loss computes what its declaration says, to how many digits, and where it does worst."""
