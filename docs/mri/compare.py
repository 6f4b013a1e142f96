"""Lesions in MRI slices: each sequence alone, and all four, with one patient left out at a time.

Every finished run is saved in runs/<method>-<patient>.json, so the same command continues after an
interruption. `--report` prints a table of all runs.

Usage: python docs/mri/compare.py METHOD ...
"""

import argparse
import json
import statistics
from pathlib import Path

import cv2
import numpy as np
from scipy.ndimage import binary_dilation, label
from tqdm import tqdm

from mmamf.commands.process import PYTHON, Process
from mmamf.own_files import own_file
from mmamf.planning.rules.loss import choose_loss

HERE = Path(__file__).parent
CONFIG = HERE / 'ms_mri.py'
WORK_DIRS = Path('work_dirs/mri')
DATA = Path('data/ms_mri')
PATIENTS = ('patient07', 'patient19', 'patient26')
SEQUENCES = ('flair', 't1', 't1post', 't2')
NO_FUSION = 'model.backbone.fusion=None'
SCRATCH = 'model.backbone.backbone.init_cfg=None'
UPDATES = 300
SEED = 0
# Pixels of a lesion that counts. Smaller ones are mostly the edge of one in another slice.
LEAST = 3

# method -> sequences, options
METHODS = {
    **{name: ((name,), [NO_FUSION]) for name in SEQUENCES},
    'none': (SEQUENCES, [NO_FUSION]),
    'ours': (SEQUENCES, []),
}
METHODS |= {
    f'{method}-scratch': (names, [*options, SCRATCH])
    for method, (names, options) in METHODS.items()
}


def measure(method: str, patient: str) -> None:
    """Train without a patient, predict this patient's slices, and save what came out."""
    result = HERE / 'runs' / f'{method}-{patient}.json'
    if result.exists():
        return
    names, options = METHODS[method]
    work_dir = WORK_DIRS / f'{method}-{patient}'
    work_dir.mkdir(parents=True, exist_ok=True)
    words = [
        *options,
        f'randomness.seed={SEED}',
        f'model.decode_head.head.loss_decode.class_weight={weigh_classes(patient)}',
        f'train_dataloader.dataset.ann_file=without_{patient}.txt',
        *(f'{loader}_dataloader.dataset.ann_file={patient}.txt' for loader in ('val', 'test')),
    ]
    settings = ['--modalities', *names, '--cfg-options', *words]
    train = ['--work-dir', str(work_dir)]
    resume = ['--resume'] if (work_dir / 'last_checkpoint').exists() else []
    seconds = run('train', str(CONFIG), *train, *resume, *settings, log=work_dir / 'log')
    checkpoint, masks = work_dir / f'iter_{UPDATES}.pth', work_dir / 'masks'
    test = ['--work-dir', str(work_dir / 'test'), '--out', str(masks)]
    run('test', str(CONFIG), str(checkpoint), *test, *settings, log=work_dir / 'test.log')
    found = dict(
        method=method,
        patient=patient,
        iterations=UPDATES,
        options=words,
        cpu_seconds=round(seconds),
        **score(masks, patient),
    )
    result.parent.mkdir(exist_ok=True)
    result.write_text(json.dumps(found, indent=1) + '\n')


def weigh_classes(patient: str) -> list[float]:
    """Weigh the classes as `mmamf plan` does: by how rare lesions are in the two other patients."""
    names = (DATA / f'without_{patient}.txt').read_text().split()
    lesions = np.mean([read_mask(DATA / 'labels', name).mean() for name in names])
    return choose_loss([1 - lesions, lesions], UPDATES, ['background', 'lesion']).value


def read_mask(folder: Path, name: str) -> np.ndarray:
    """Read where a slice has lesions, (H, W), bool."""
    return cv2.imread(str(folder / f'{name}.png'), cv2.IMREAD_UNCHANGED) > 0


def run(tool: str, *arguments: str, log: Path) -> float:
    """Run a tool with one thread; return its CPU time in seconds."""
    command = [*PYTHON, str(own_file(f'tools/{tool}.py')), *arguments]
    process = Process(command, log, dict(OMP_NUM_THREADS='1', MKL_NUM_THREADS='1'))
    try:
        seconds = process.wait()
    finally:
        process.stop()
    if process.returncode:
        raise RuntimeError(f'{log}: {process.last_error()}')
    return seconds


def score(masks: Path, patient: str) -> dict[str, float]:
    """Compare all slices of a patient at once: pixels, and lesions one by one."""
    names = (DATA / f'{patient}.txt').read_text().split()
    truth, predicted = (
        np.stack([read_mask(folder, name) for name in names]) for folder in (DATA / 'labels', masks)
    )
    both, either = (truth & predicted).sum(), (truth | predicted).sum()
    lesions, wrong = find(truth), find(predicted)
    near = binary_dilation(truth, np.ones((1, 3, 3)))  # one pixel beside a lesion is no false one
    return dict(
        dice=round(200 * both / (truth.sum() + predicted.sum()), 2),
        iou=round(100 * both / either, 2),
        lesions=len(lesions),
        found=sum(bool(predicted[where].any()) for where in lesions),
        false=sum(not near[where].any() for where in wrong),
        slices=len(names),
    )


def find(mask: np.ndarray) -> list[tuple[np.ndarray, ...]]:
    """Find the connected regions of every slice; return the places of each.

    Shape:
        - Input: (S, H, W), bool.
    """
    within_slices = np.zeros((3, 3, 3))
    within_slices[1] = 1
    regions, count = label(mask, within_slices)
    places = np.nonzero(mask)
    order = np.argsort(regions[places], kind='stable')
    sizes = np.bincount(regions[places], minlength=count + 1)[1:]
    parts = np.split(order, np.cumsum(sizes)[:-1]) if count else []
    return [tuple(axis[part] for axis in places) for part in parts if len(part) >= LEAST]


def report() -> None:
    """Print a Markdown table of all methods that have a run with every patient."""
    print('| method | Dice | mean | mean IoU | lesions found | false lesions | CPU time |')
    print('|---|---|---:|---:|---:|---:|---:|')
    for method in METHODS:
        paths = [HERE / 'runs' / f'{method}-{patient}.json' for patient in PATIENTS]
        if not all(path.exists() for path in paths):
            continue
        runs = [json.loads(path.read_text()) for path in paths]
        dice = ', '.join(f'{run["dice"]:.1f}' for run in runs)
        means = [statistics.mean(run[key] for run in runs) for key in ('dice', 'iou')]
        lesions, found, false = (
            sum(run[key] for run in runs) for key in ('lesions', 'found', 'false')
        )
        seconds = statistics.mean(run['cpu_seconds'] for run in runs)
        print(
            f'| {method} | {dice} | {means[0]:.1f} | {means[1]:.1f} | {found} of {lesions} '
            f'| {false} | {seconds:.0f} s |'
        )


def main() -> None:
    """Run what is missing, or report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('methods', nargs='*', choices=[*METHODS, []], help='default: all')
    parser.add_argument('--report', action='store_true', help='print what is there')
    args = parser.parse_args()
    if not args.report:
        todo = [(method, p) for p in PATIENTS for method in args.methods or METHODS]
        for method, patient in tqdm(todo):
            measure(method, patient)
    report()


if __name__ == '__main__':
    main()
