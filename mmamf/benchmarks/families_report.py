"""The config families, and the table of their measurements."""

import json
import statistics
from pathlib import Path
from typing import NamedTuple

from mmamf.visualization.markdown import NONE, format_table

COLUMNS = (
    'family',
    'parameters',
    'GMACs',
    'threads',
    'plain',
    'eager',
    'deployed',
    'channels last',
    'onnxruntime',
    'int8',
    'openvino',
    'best / plain',
    'int8 / onnxruntime',
    'mIoU on rooms',
)
FORMS = COLUMNS[4:11]


class Family(NamedTuple):
    """A config of a family, and the runs on rooms that tell its quality.

    Args:
        config: File in configs/amf.
        runs: Start of the names of result files in docs/comparison; None if it was not trained.
    """

    config: str
    runs: str | None = None


FAMILIES = {
    'MobileNetV2, SegFormer': Family(
        'amf_mobilenet-v2-in1k-pre_segformer_1xb8-adamw-40k_nyudv2-500x500.py',
        'rooms_light/runs/segformer',
    ),
    'MobileNetV2, RefineNet': Family(
        'amf_mobilenet-v2-in1k-pre_refinenet_1xb2-adamw-600_rooms-large-160x120.py',
        'rooms_imagenet/runs/ours',
    ),
    'EfficientNet-Lite0, RefineNet': Family(
        'amf_efficientnet-lite0_refinenet_1xb2-adamw-800_rooms-160x120.py'
    ),
    'R18 of half the width, RefineNet': Family(
        'amf_r18_refinenet_1xb2-adamw-20_nyudv2-500x500.py', 'rooms_sharing/runs/shared'
    ),
    'MiT-B0, SegFormer': Family(
        'amf_mit-b0_segformer_1xb8-adamw-40k_nyudv2-500x500.py',
        'rooms_fused_inside/runs/mit-b0-behind',
    ),
    'MSCAN-T, SegNeXt': Family('amf_mscan-t_segnext_1xb8-adamw-40k_nyudv2-500x500.py'),
    'MiT-B2, SegFormer': Family('amf_mit-b2_segformer_1xb8-adamw-40k_nyudv2-500x500.py'),
    'Swin-T, UPerNet': Family('amf_swin-t_upernet_1xb8-adamw-40k_nyudv2-500x500.py'),
    'R50, RefineNet': Family('amf_r50_refinenet_1xb6-sgd-3x100e_nyudv2-500x500.py'),
}


def make_table(families: dict[str, dict], runs: Path) -> str:
    """Make a Markdown table of latencies in ms: two rows for a family, one for each thread count.

    Args:
        families: Results by family.
        runs: The folder docs/comparison, with the results of trainings on rooms.
    """
    rows = []
    for name in FAMILIES:
        for threads, seconds in families.get(name, {}).get('seconds', {}).items():
            about = families[name]
            ms = {form: 1000 * statistics.median(values) for form, values in seconds.items()}
            best = min(ms[form] for form in ms if form not in ('plain', 'int8'))
            rows.append(
                [
                    name,
                    f'{about["parameters"] / 1e6:.2f} M',
                    f'{about["gmacs"]:.1f}',
                    threads,
                    *(f'{ms[form]:.0f}' if form in ms else NONE for form in FORMS),
                    f'{best / ms["plain"]:.2f}',
                    f'{ms["int8"] / ms["onnxruntime"]:.2f}',
                    read_miou(FAMILIES[name].runs, runs),
                ]
            )
    return format_table(COLUMNS, rows)


def read_miou(start: str | None, folder: Path) -> str:
    """Read the mIoU of the last checkpoints of trainings: mean and deviation over the seeds."""
    files = sorted(folder.glob(f'{start}-[0-9].json')) if start else []
    values = [json.loads(file.read_text())['last']['mIoU'] for file in files]
    if not values:
        return NONE
    deviation = f' ± {statistics.stdev(values):.1f}' if len(values) > 1 else ''
    return f'{statistics.mean(values):.1f}{deviation} (n = {len(values)})'
