"""Convert MFNet's street images by day and night, color and thermal, 9 classes.

RAW holds images/ (PNGs of four channels: red, green, blue, thermal), labels/ (0..8) and train.txt,
val.txt and test.txt (784, 392 and 393 names). Some lists also contain mirrored copies, NAME_flip.
They are left out, because the training pipeline mirrors images itself.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
from conversion import (
    SHOWN,
    Sample,
    check_label,
    convert,
    exit_with,
    make_parser,
    require,
    require_count,
    require_frames,
)

from mmamf.datasets.sample_list import SampleList, read_list
from mmamf.datasets.transforms.read_image import read_image
from mmamf.datasets.transforms.read_label import read_label

SPLITS = dict(train=784, val=392, test=393)
CLASSES = 9  # 0 = unlabeled, which the benchmark counts as a class
FLIPPED = '_flip'
FOLDERS = ('images', 'labels')


def list_samples(raw: Path, incomplete: bool) -> list[Sample]:
    """Validate the archive and list its images.

    Args:
        raw: Folder of the lists, images/ and labels/.
        incomplete: Whether images may be missing. Then only complete samples are listed.

    Raises:
        FileNotFoundError: If files are missing.
        ValueError: If the lists do not have the published lengths.
    """
    require(raw, *FOLDERS, *(f'{split}.txt' for split in SPLITS))
    known = {path.stem for folder in FOLDERS for path in (raw / folder).glob('*.png')}
    listed = {split: _names(raw, f'{split}.txt', known) for split in SPLITS}
    for split, expected in SPLITS.items():
        require_count(f'{split}.txt', expected, len(listed[split]), incomplete)
    frames = {
        name: [f'{folder}/{name}.png' for folder in FOLDERS]
        for split in SPLITS
        for name in listed[split]
    }
    complete = set(require_frames(raw, frames, incomplete))
    return [
        Sample(
            stem=name,
            split=split,
            source=f'{split}.txt',
            load=partial(_load, *(raw / file for file in frames[name])),
        )
        for split in SPLITS
        for name in listed[split]
        if name in complete
    ]


def _names(raw: Path, file: str, known: set[str]) -> list[str]:
    path = raw / file
    lines = SampleList(
        read_list(str(path)), str(path), [str(raw / folder) for folder in FOLDERS], ['.png']
    )
    names = lines.resolve(known | {name + FLIPPED for name in known})
    kept = [name for name in names if not name.endswith(FLIPPED)]
    alone = sorted({name.removesuffix(FLIPPED) for name in names} - set(kept))
    if alone:
        raise ValueError(
            f'{path}: expected the original of every mirrored copy, got no {alone[:SHOWN]}'
        )
    if len(kept) < len(names):
        print(f'{path.name}: left out {len(names) - len(kept)} mirrored copies')
    return kept


def _load(image_path: Path, label_path: Path) -> dict[str, np.ndarray]:
    rgbt = read_image(str(image_path), channels=4)
    if rgbt.shape[2:] != (4,) or rgbt.dtype != np.uint8:
        raise ValueError(
            f'{image_path}: expected four channels of uint8 (red, green, blue, thermal), got shape '
            f'{rgbt.shape} of {rgbt.dtype}'
        )
    label = read_label(str(label_path)).values
    return dict(
        rgb=rgbt[..., 2::-1],  # BGR
        thermal=np.ascontiguousarray(rgbt[..., 3]),
        masks=check_label(label, CLASSES, str(label_path)),
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Convert MFNet from the command line; returns the exit status."""
    args = make_parser('Convert MFNet (RGB and thermal, 9 classes)').parse_args(argv)
    samples = list_samples(args.raw, args.partial)
    return convert(samples, args.raw, args.out, dict(dataset='mfnet'), args.workers)


if __name__ == '__main__':
    exit_with(main)
