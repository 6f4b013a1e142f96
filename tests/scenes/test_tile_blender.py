"""Tiles cover a scene, and blending keeps what all tiles agree on."""

import numpy as np
import pytest

from mmamf.scenes import TileBlender, TileGrid

SIZES = [(7, 9), (64, 64), (65, 64), (150, 220), (161, 97), (300, 33)]
TILES = [(64, 0), (64, 16), (64, 32), (48, 16), (16, 0)]


def blend(grid, scores_of, num_scores):
    """Return the classes of all pixels, each of which must become final exactly once."""
    labels = np.full(grid.shape, 99, np.uint8)
    blender = TileBlender(grid, num_scores)
    for tile in grid:
        rows, columns, blended = blender.add(tile, scores_of(tile))
        found = blended.argmax(0)
        assert (labels[rows, columns] == 99).all() and found.shape == labels[rows, columns].shape
        labels[rows, columns] = found
    blender.close()
    assert (labels < num_scores).all()
    return labels


@pytest.mark.parametrize('size', SIZES)
@pytest.mark.parametrize(('tile', 'overlap'), TILES)
def test_tiles_of_one_opinion_give_it(size, tile, overlap):
    scores = np.random.default_rng(0).random((5, *size)).astype(np.float32)
    grid = TileGrid(*size, tile, overlap)
    found = blend(grid, lambda t: scores[:, t.rows.seen, t.columns.seen], 5)
    np.testing.assert_array_equal(found, scores.argmax(0))
    tiles = list(grid)
    assert len(tiles) == len(grid)
    for one in tiles:  # the network gets tiles of one size
        assert one.rows.end - one.rows.start == min(tile, size[0])
        assert one.columns.end - one.columns.start == min(tile, size[1])


def test_blending_equals_the_weighted_mean():
    """Tiles of different opinions: compare with sums over the whole image, in double precision."""
    grid, rng = TileGrid(150, 130, 64, 16), np.random.default_rng(0)
    opinions = [rng.random((3, 64, 64)).astype(np.float32) for _ in grid]
    total, weights = np.zeros((3, 150, 130)), np.zeros((150, 130))
    for tile, opinion in zip(grid, opinions):
        sides = []
        for span in (tile.rows, tile.columns):
            place = np.arange(span.start, span.end)
            rise = (place - span.begin + 0.5) / 16 if not span.is_first else np.ones(64)
            fall = (span.end - place - 0.5) / 16 if not span.is_last else np.ones(64)
            sides.append(np.minimum(rise, fall).clip(0, 1))
        weight = np.outer(*sides)
        total[:, tile.rows.seen, tile.columns.seen] += weight * opinion
        weights[tile.rows.seen, tile.columns.seen] += weight
    np.testing.assert_allclose(weights, 1, rtol=1e-12)
    queue = iter(opinions)
    found = blend(grid, lambda _: next(queue), 3)
    clear = np.diff(np.sort(total, 0)[-2:], axis=0)[0] > 1e-5  # rounding may decide the others
    assert clear.mean() > 0.99
    np.testing.assert_array_equal(found[clear], total.argmax(0)[clear])


def test_the_ramp_crosses_in_the_middle():
    """Two tiles that contradict each other meet in the middle of their overlap, without steps."""
    grid = TileGrid(48, 112, 64, 16)
    sure = np.zeros((2, 2, 48, 64), np.float32)
    sure[0, 0], sure[1, 1] = 1, 1
    queue = iter(sure)
    found = blend(grid, lambda _: next(queue), 2)
    np.testing.assert_array_equal(found, np.arange(112)[None].repeat(48, 0) >= 56)


def test_constant_scores_have_no_seams():
    scores = np.float32([0.1, 0.2, 0.4, 0.3])[:, None, None].repeat(64, 1).repeat(64, 2)
    assert (blend(TileGrid(500, 400, 64, 32), lambda _: scores, 4) == 2).all()


@pytest.mark.parametrize(
    ('tile', 'overlap', 'message'),
    [
        (64, 48, r'overlap: expected 0 to 32 px, half of the tile, got 48 with a tile of 64'),
        (64, 65, r'overlap: expected 0 to 32 px, half of the tile, got 65 with a tile of 64'),
        (64, -1, r'overlap: expected 0 to 32 px, .* got -1'),
        (0, 0, r'expected 0 to 0 px, half of the tile, got 0 with a tile of 0'),
        (100, 10, r'tile - overlap to be a multiple of 16 px, .* got 100 - 10 = 90'),
    ],
)
def test_bad_tiles(tile, overlap, message):
    with pytest.raises(ValueError, match=message):
        TileGrid(100, 100, tile, overlap)
