"""Pixels set to 0: how many, which, and that nothing else changes."""

from dataclasses import replace

import numpy as np
import pytest

from experiments import datasets
from experiments.datasets.dataset import fingerprint
from experiments.datasets.sparsity import BLANK


@pytest.fixture(scope="module")
def colours():
    """Colour images without the byte that pixels are set to, so that every one set is seen."""
    images = np.random.default_rng(0).integers(0, 127, (20, 32, 32, 3), np.uint8)
    data = datasets.load("digits")
    labels = data.labels[:20]
    return replace(data, images=images, labels=labels, fingerprint=fingerprint(images, labels))


@pytest.mark.parametrize("share", [0.5, 0.9, 1.0])
def test_every_image_loses_that_many_pixels_in_all_channels(colours, share):
    sparse = datasets.with_sparsity(colours, share)
    gone = sparse.images == BLANK
    assert (gone.any(-1) == gone.all(-1)).all()
    assert (gone[..., 0].sum((1, 2)) == round(share * 1024)).all()
    np.testing.assert_array_equal(sparse.images[~gone], colours.images[~gone])
    assert sparse.labels is colours.labels
    assert sparse.fingerprint == fingerprint(sparse.images, sparse.labels) != colours.fingerprint


def test_images_lose_pixels_of_their_own_and_places_lose_them_alike(colours):
    digits = datasets.load("digits")
    data = replace(digits, images=np.zeros_like(digits.images))
    gone = datasets.with_sparsity(data, 0.5).images[..., 0] == BLANK
    assert len({each.tobytes() for each in gone}) == len(gone)
    spread = np.sqrt(0.25 / len(gone))  # of a place's share over the images
    assert abs(gone.mean(0) - 0.5).max() < 5 * spread
    assert gone.mean(0).std() == pytest.approx(spread, rel=0.15)


def test_the_same_for_everybody_and_less_within_more(colours):
    less, more = (datasets.with_sparsity(colours, share).images == BLANK for share in (0.5, 0.9))
    assert (more | ~less).all()
    assert (datasets.with_sparsity(colours, 0.5).images == BLANK).tobytes() == less.tobytes()
    assert datasets.with_sparsity(colours, 0.0) is colours


def test_the_byte_is_the_nearest_to_zero():
    assert abs(2 * BLANK - 255) == min(abs(2 * byte - 255) for byte in range(256))


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_no_share_is_refused(colours, share):
    with pytest.raises(ValueError, match=r"expected a share in \[0, 1\]"):
        datasets.with_sparsity(colours, share)
