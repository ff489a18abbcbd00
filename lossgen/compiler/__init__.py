"""What happens to a declaration: one stage of the pipeline a file. Imports the language only."""
