"""What every report's figures must be, for the tests of each."""

import io
from collections.abc import Iterable

import numpy as np
from PIL import Image

from experiments.reports.section import Figure


def check_whole_and_the_same_again(figures: Iterable[Figure]) -> None:
    """Drawn twice alike, and nothing is cut off: the outermost pixels are white."""
    for figure in figures:
        drawn = figure.draw()
        assert drawn == figure.draw()
        with Image.open(io.BytesIO(drawn["png"])) as image:
            pixels = np.asarray(image.convert("RGB"))
        for edge in (pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]):
            assert (edge == 255).all()
