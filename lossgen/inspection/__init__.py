"""What a person looks at: formulas, generated source, pictures."""
