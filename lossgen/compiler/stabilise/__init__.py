"""Rewriting into forms that neither overflow nor cancel; `accurate` comes last and is not differentiated."""

from .accurate import accurate
from .driver import stabilise

__all__ = ["accurate", "stabilise"]
