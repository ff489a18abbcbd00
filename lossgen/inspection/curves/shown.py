"""The matplotlib figure that notebooks show without further ado. Importing this module needs matplotlib."""

import io

from matplotlib.figure import Figure

RESOLUTION = 150
"""Dots an inch of PNG files."""

ON_A_PAGE = 100
"""Dots an inch in a notebook."""


class ShownFigure(Figure):
    """A figure of its own, outside of pyplot, with the picture as which a notebook shows it."""

    def _repr_png_(self) -> bytes:
        buffer = io.BytesIO()
        self.savefig(buffer, format="png", dpi=ON_A_PAGE)
        return buffer.getvalue()
