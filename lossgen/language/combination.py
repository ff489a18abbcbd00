"""Declarations from declarations: weighted sums, other names, other defaults."""
