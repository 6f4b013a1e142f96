"""Cuts the MRI volumes of open_ms_data into PNG slices, and lists the slices of every patient.

RAW is a copy of https://github.com/muschellij2/open_ms_data (CC-BY): volumes of the Laboratory of
Imaging Technologies, Ljubljana, in MNI space, with skulls removed. Slices are axial, every second
from 40 to 140, as 16-bit PNG: intensity x 16, and 0 outside of the brain. Labels are 1 in lesions.
Slices in which a sequence has no value are left out. Needs `pip install nibabel`.

Usage: python docs/mri/cut_slices.py RAW data/ms_mri
"""

import argparse
from pathlib import Path

import cv2
import nibabel
import numpy as np

SEQUENCES = dict(flair='FLAIR', t1='T1', t1post='T1POST', t2='T2')
LABEL = 'GOLD_STANDARD'
PATIENTS = ('patient07', 'patient19', 'patient26')
SLICES = range(40, 141, 2)
SCALE = 16


def read(folder: Path, prefix: str) -> np.ndarray:
    """Read the volume of a sequence, or the lesions."""
    found = sorted(folder.glob(f'{prefix}_N4_*_regtoMNI.nii.gz'))
    if len(found) != 1:
        raise FileNotFoundError(
            f'{folder}: expected one file {prefix}_N4_..._regtoMNI.nii.gz, got {len(found)}'
        )
    return np.asarray(nibabel.load(found[0]).dataobj)


def cut(raw: Path, out: Path, patient: str) -> list[str]:
    """Write the slices of a patient; return their names."""
    folder = raw / 'cross_sectional' / 'MNI' / patient
    volumes = {name: read(folder, prefix) for name, prefix in SEQUENCES.items()}
    volumes = {
        name: np.clip(np.rint(volume * SCALE), 0, 65535).astype(np.uint16)
        for name, volume in volumes.items()
    }
    volumes['labels'] = read(folder, LABEL).astype(np.uint8)
    sizes = {name: volume.shape for name, volume in volumes.items()}
    if len(set(sizes.values())) > 1:
        raise ValueError(f'{folder}: expected volumes of one size, got {sizes}')
    names = []
    for z in SLICES:
        slices = {name: np.rot90(volume[:, :, z]) for name, volume in volumes.items()}
        if not all(slices[name].any() for name in SEQUENCES):
            continue
        names.append(f'{patient}_z{z:03}')
        for name, picture in slices.items():
            (out / name).mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(out / name / f'{names[-1]}.png'), np.ascontiguousarray(picture))
    return names


def main() -> None:
    """Cut all patients."""
    parser = argparse.ArgumentParser(description=__doc__.partition('\n')[0])
    parser.add_argument('raw', type=Path, help='copy of open_ms_data')
    parser.add_argument('out', type=Path, help='where the slices go')
    args = parser.parse_args()
    names = {patient: cut(args.raw, args.out, patient) for patient in PATIENTS}
    for patient in PATIENTS:
        others = [name for other in PATIENTS if other != patient for name in names[other]]
        (args.out / f'{patient}.txt').write_text('\n'.join(names[patient]) + '\n')
        (args.out / f'without_{patient}.txt').write_text('\n'.join(others) + '\n')


if __name__ == '__main__':
    main()
