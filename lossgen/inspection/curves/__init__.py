"""Curves of a loss: what it is drawn over, its numbers there, and the pictures of them."""
