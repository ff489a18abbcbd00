"""Rewriting into forms that neither overflow nor cancel: ``stabilise`` may be differentiated, ``accurate`` may not."""

from .driver import accurate, stabilise

__all__ = ["accurate", "stabilise"]
