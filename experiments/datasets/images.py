"""One resize for every set: what the paper's input pipeline did, in uint8."""

import numpy as np
from PIL import Image

from experiments.datasets.dataset import SIDE


def to_side(image: np.ndarray) -> np.ndarray:
    """Squash one image to 32x32 by bilinear interpolation with support scaling.

    Pillow's BILINEAR on uint8 is what torchvision's `Resize((32, 32))` does to a PIL
    image, bit for bit; the aspect ratio is ignored there too.

    Args:
        image: uint8 array (H, W), (H, W, 1) or (H, W, 3).

    Returns:
        uint8 array (32, 32, 1) or (32, 32, 3).

    Example:
        >>> import numpy as np
        >>> to_side(np.full((28, 28), 7, np.uint8)).shape
        (32, 32, 1)
    """
    plane = image[..., 0] if image.ndim == 3 and image.shape[-1] == 1 else image
    if plane.shape[:2] != (SIDE, SIDE):
        picture = Image.fromarray(np.ascontiguousarray(plane))
        plane = np.asarray(picture.resize((SIDE, SIDE), Image.Resampling.BILINEAR))
    return plane.reshape(SIDE, SIDE, -1)
