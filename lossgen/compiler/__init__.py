"""What happens to a declaration: one stage of the pipeline a file. Imports the language, never the runtime's users."""
