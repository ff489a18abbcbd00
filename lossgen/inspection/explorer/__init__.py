"""The loss explorer: one static page on which a person moves parameters and sees the curves move."""
