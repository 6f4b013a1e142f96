"""Facts as the fingerprint would give them, and a machine whose steps have a known cost."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

from mmamf.planning.machine import Machine
from mmamf.planning.measure_step import StepCost
from mmamf.planning.prints.file_prints import BandPrint, ImagePrint
from mmamf.planning.prints.fingerprint import LabelSummary, ModalitySummary
from mmamf.planning.samples.found_data import FoundData, FoundSample

MACHINE = Machine(cpus=2, memory_gib=8)
GPU = Machine(cpus=16, memory_gib=64, gpu='A GPU', gpu_memory_gib=24)

RGB = ModalitySummary(
    count=100,
    formats=dict(PNG=100),
    dtypes=dict(uint8=100),
    channels={3: 100},
    sizes={(480, 640): 100},
    smallest=(1, 1, 1),
    largest=(255, 255, 255),
    mean=(120.0, 110.0, 100.0),
    std=(60.0, 61.0, 62.0),
    missing=(),
    missing_share=0.0,
    saturated_share=0.0,
    kind='image',
    unit='color',
    scale=1.0,
    constant_bands=(),
    equal_bands=(),
    colored=True,
    histogram=(),
    bins=(),
)
DEPTH = replace(
    RGB,
    dtypes=dict(uint16=100),
    channels={1: 100},
    smallest=(500,),
    largest=(9000,),
    mean=(2500.0,),
    std=(1000.0,),
    missing=(0.0,),
    missing_share=0.12,
    kind='depth',
    unit='mm',
    scale=0.001,
    colored=False,
)
THERMAL = replace(RGB, channels={1: 100}, mean=(118.0,), std=(31.0,), unit='8-bit', colored=False)
TILE = replace(
    RGB,
    formats=dict(TIFF=100),
    dtypes=dict(float32=100),
    channels={5: 100},
    mean=(0.1, 0.2, 0.3, 0.4, 0.5),
    std=(0.01, 0.02, 0.03, 0.04, 0.05),
    missing=(-9999.0,),
    missing_share=0.03,
    unit='unknown',
    colored=False,
)
LABELS = LabelSummary(
    count=100,
    coding='indices',
    pixels=dict(train={0: 600, 1: 300, 2: 100}, val={0: 700, 1: 300}),
    images=dict(train={0: 80, 1: 60, 2: 30}, val={0: 20, 1: 20}),
    ignore=(255,),
    mapping=None,
    reduce_zero_label=False,
    num_classes=3,
    sizes={(480, 640): 100},
    median_area={0: 50000.0, 1: 9000.0, 2: 4000.0},
)


def make_data(modalities=('rgb', 'depth'), samples=100, lacking=None, classes=(), root='/data'):
    """Make samples, every fifth of which is for validation.

    ``lacking`` is the number of samples without each modality.
    """
    lacking = lacking or {}
    found = []
    for i in range(samples):
        names = [*(name for name in modalities if i >= lacking.get(name, 0)), 'labels']
        files = {name: f'{name}/{i:04}.png' for name in names}
        found.append(FoundSample(f'{i:04}', files, split='val' if i % 5 == 4 else 'train'))
    return FoundData(Path(root), tuple(modalities), tuple(found), classes=tuple(classes))


def make_fingerprint(modalities, labels=LABELS, empty=None):
    """Make the part of a fingerprint that plans read; ``empty`` names samples without reading."""
    empty = empty or {}

    def images(name):
        for i in range(100):
            count = 0 if f'{i:04}' in empty.get(name, ()) else 10
            band = BandPrint(count, 0, 0, 0, 0, 0, 0, False)
            yield f'{i:04}', ImagePrint(f'{name}/{i:04}.png', bands=(band,))

    return SimpleNamespace(modalities=modalities, label_summary=labels, images=images)


class Bench:
    """Stands for the measurement: seconds per megapixel of each network's training step.

    ``jobs`` notes what was measured.
    """

    def __init__(self, small=4.0, mit=10.0, r50=80.0, gain=1.0, limit=64):
        self.costs = dict(small=small, TIMMBackbone=mit, MixVisionTransformer=mit, r50=r50)
        self.gain, self.limit = gain, limit
        self.jobs = []

    def __call__(self, model, optim_wrapper, size, batch_sizes, memory_gib, longest, patience=600):
        backbone = model['backbone']
        name = 'r50' if backbone.get('depth') == 50 else 'small'
        name = backbone.get('backbone', {}).get('type', name)
        self.jobs.append((name, tuple(size), tuple(batch_sizes)))
        each = self.costs[name] * size[0] * size[1] / 1e6
        return {
            n: StepCost(n * each * self.gain**i, 0.1 * n)
            for i, n in enumerate(batch_sizes)
            if n <= self.limit
        }
