import pickle

import numpy as np
import pytest
from mmengine.config import ConfigDict

from mmamf.datasets.transforms import LoadMultimodalImages
from mmamf.structures import Modality, read_modalities

RGB = dict(name='rgb', channels=3, dtype='uint8', mean=[1, 2, 3], std=2, bgr_to_rgb=True)
DEPTH = dict(name='depth', channels=1, dtype='uint16', missing=0, scale=0.001, mean=2.5, std=1.5)


def test_a_number_stands_for_every_channel():
    rgb, depth = (Modality.of(ConfigDict(spec)) for spec in (RGB, DEPTH))
    assert rgb.statistics == ([1, 2, 3], [2, 2, 2])
    assert rgb.fills == [1, 2, 3]
    assert depth.statistics == ([2.5], [1.5])
    assert depth.fills == [2500]
    assert Modality.of(dict(DEPTH, fill=7)).fills == [7]


def test_the_loader_normalizes_what_is_not_calibrated():
    scan = Modality('flair', channels=2, dtype='uint16', calibrated=False)
    assert scan.statistics == ([0, 0], [1, 1])
    assert scan.fills == [0, 0]


def test_channels_of_a_file():
    assert Modality.of(RGB).bands is None and Modality.of(RGB).num_channels == 3
    chosen = Modality('x', channels=[2, 0], dtype='uint8')
    assert chosen.bands == (2, 0) and chosen.num_channels == 2
    assert Modality.of(RGB).is_bgr('a.PNG')
    assert not Modality.of(RGB).is_bgr('a.npy') and not chosen.is_bgr('a.png')


@pytest.mark.parametrize(
    ('options', 'expected'),
    [
        ({}, 'bilinear'),
        (dict(kind='depth'), 'nearest'),
        (dict(kind='normal'), 'bilinear'),
        (dict(kind='depth', interpolation='bicubic'), 'bicubic'),
    ],
)
def test_resizing_follows_from_the_kind(options, expected):
    assert Modality('x', **options).resizing == expected


@pytest.mark.parametrize(
    ('spec', 'message'),
    [
        (dict(channels=3), r'modality: expected dict\(name=.*got \{'),
        (dict(DEPTH, unit='m'), r"'depth': expected the keys name, .*, got \['unit'\]"),
        (dict(DEPTH, name='a b'), "letters, digits and underscores, got 'a b'"),
        (dict(DEPTH, name='ensemble'), "a name other than .* got 'ensemble'"),
        (dict(DEPTH, channels=[0, 0]), 'a list of distinct indices from 0, got .0, 0.'),
        (dict(DEPTH, kind='heat'), "kind to be one of .*'normal'.*, got 'heat'"),
        (dict(DEPTH, interpolation='cubic'), "interpolation to be one of .*, got 'cubic'"),
        (dict(DEPTH, valid_range=5), r'valid_range to be \(smallest, largest\), got 5'),
        (dict(DEPTH, valid_range=(5, 5)), r'valid_range to be .* got \(5, 5\)'),
        (dict(DEPTH, fill=float('nan')), 'expected fill to be a number, or 1 of them'),
        (dict(DEPTH, missing=True), 'expected `missing` to be a number or a list of .* got True'),
        (dict(DEPTH, missing='none'), "`missing` to be a number or a list of .* got 'none'"),
        (dict(DEPTH, missing=[]), r'expected `missing` to be a number or a list of .* got \[\]'),
        (dict(DEPTH, scale=0), 'expected scale > 0, got 0'),
        (dict(DEPTH, calibrated=False), 'no mean, std with calibrated=False, got 2.5'),
        (dict(name='t1', calibrated=False, scale=2), 'no scale with calibrated=False, got 2'),
    ],
)
def test_bad_description(spec, message):
    with pytest.raises(ValueError, match=message):
        Modality.of(spec)


def test_several():
    modalities = read_modalities([RGB, Modality.of(DEPTH)])
    assert [*modalities] == ['rgb', 'depth'] and modalities['depth'] == Modality.of(DEPTH)
    assert pickle.loads(pickle.dumps(modalities)) == modalities
    for wrong in ([], [RGB, RGB]):
        with pytest.raises(ValueError, match='non-empty sequence of distinct names'):
            read_modalities(wrong)
    with pytest.raises(ValueError, match='expected a list of dict'):
        read_modalities(dict(rgb=RGB))


@pytest.mark.parametrize('dtype', ['uint16', 'float32'])
def test_values_outside_the_valid_range_are_missing(tmp_path, dtype):
    np.save(tmp_path / 'x.npy', np.array([[0, 99, 100, 500, 501]], dtype))
    modality = Modality('x', channels=1, dtype=dtype, valid_range=(100, 500))
    results = dict(
        modality_paths=dict(x=str(tmp_path / 'x.npy')), descriptions=dict(x=modality), seg_fields=[]
    )
    loaded = LoadMultimodalImages()(results)['img']
    assert np.isnan(loaded).tolist() == [[True, True, False, False, True]]
