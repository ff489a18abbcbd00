"""What generated code needs to run. Imports neither SymPy nor Jinja nor a framework."""
