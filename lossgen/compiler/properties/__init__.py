"""What is proved of a loss in its raw prediction: convexity, how columns meet, how the target enters."""

from .verdicts import properties_of

__all__ = ["properties_of"]
