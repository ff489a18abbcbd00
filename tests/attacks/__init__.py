"""Hostile text for every place where lossgen reads text: `corpus.py` holds it, `child.py` feeds it in."""
