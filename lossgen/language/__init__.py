"""What a person writes: symbols, parameters, options, reductions, atoms, the declaration and the safe parser."""
