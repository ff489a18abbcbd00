"""The Jinja templates of generated modules: they place text, they hold no mathematics."""
