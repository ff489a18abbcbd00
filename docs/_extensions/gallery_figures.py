"""Figures that an example makes without pyplot, as `declaration.plot` does, for the gallery."""

from matplotlib import pyplot
from matplotlib.figure import Figure
from sphinx_gallery.scrapers import figure_rst


def figures_of_plots(block: tuple, block_vars: dict, gallery_conf: dict) -> str:
    """Saves each figure that the block assigned to a name; sphinx-gallery's own scraper takes pyplot's."""
    others = [pyplot.figure(number) for number in pyplot.get_fignums()]
    saved = []
    for name, value in block_vars["example_globals"].items():
        if isinstance(value, Figure) and f"{name} = " in block[1] and value not in others:
            path = next(block_vars["image_path_iterator"])
            value.savefig(path, dpi=110)
            saved.append(path)
    return figure_rst(saved, gallery_conf["src_dir"])
