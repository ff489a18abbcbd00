"""What a person writes: symbols, parameters, reductions, atoms, the declaration and the safe parser."""
