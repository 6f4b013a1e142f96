"""Writes a trained segmentor as an ONNX file, and compares onnxruntime with PyTorch on it."""

import argparse
import json
import shutil
from collections.abc import Callable, Sequence
from itertools import combinations, cycle, islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from mmcv.transforms import LoadAnnotations
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.structures import BaseDataElement
from mmseg.structures import SegDataSample
from torch import Tensor, nn

from mmamf.apis.openvino_session import OpenvinoSession
from mmamf.datasets.nested_datasets import build_lazily
from mmamf.datasets.transforms import LoadMultimodalImages, PackMultimodalSegInputs
from mmamf.datasets.transforms.load_label_map import IGNORE
from mmamf.models import MultimodalSegmentor
from mmamf.whole_file import whole_file

from .describe_segmentor import describe_segmentor
from .export_openvino import export_openvino
from .load_segmentor import fix_random_bases, load_segmentor
from .onnx_metadata import HOLES, METADATA
from .segmentor_graph import SegmentorGraph
from .single_modality import find_fusion_points, single_modality_model
from .trace_onnx import trace_onnx

try:
    import onnx
    import onnxruntime
except ImportError as error:
    raise ImportError(
        f'{error.name} is needed to export: pip install -r requirements/export.txt'
    ) from error

# Batch and size of the example. Tracing records only the operations that the example needs. Some
# networks pad maps whose sides are odd or no multiple of a window. With this size, they have to pad
# at each of their strides from 4 to 32.
TRACED = (2, (90, 102))
CHECKED = ((1, (96, 128)), (2, (75, 101)), (3, (64, 96)), (1, (130, 67)))  # no size may be fixed
SHOWN = 300  # characters shown of an exporter's message, which may be very long
TOLERANCE = 1e-4  # share of the largest logit; for labels, of the pixels
OPENVINO_TOLERANCE = 1e-3
OPENVINO = '.xml'


def write(graph: SegmentorGraph, description: dict, path: Path) -> None:
    """Export a graph with :func:`trace_onnx`, with its description as metadata."""
    axes = {0: 'N', 2: 'H', 3: 'W'}
    out_axes = {0: 'N', 1: 'H', 2: 'W'} if graph.labels else axes
    dynamic = dict.fromkeys(graph.input_names, axes) | dict.fromkeys(graph.output_names, out_axes)
    example = graph.split_inputs(graph.draw_raw(*TRACED))
    try:
        trace_onnx(graph, example, path, dynamic, graph.output_names)
    except (AssertionError, RuntimeError) as error:  # from the network or the exporter
        raise ValueError(f'torch cannot export this model: {_first_line(error)}') from error
    model = onnx.load(str(path))
    if not graph.labels:
        for output in model.graph.output:  # the exporter does not know it
            channels = output.type.tensor_type.shape.dim[1]
            channels.dim_value = graph.model.decode_head.out_channels
    props = {METADATA: json.dumps(description)}
    if graph.preprocessing:
        props[HOLES] = 'NaN'
    onnx.helper.set_model_props(model, props)
    onnx.save(model, str(path))


def check(path: Path, graph: SegmentorGraph, model: nn.Module) -> float:
    """Compare a file with PyTorch's own test step on images of several sizes.

    The samples have all subsets of the modalities in turn, so the modalities of most batches differ
    between samples. Some readings are missing.

    Returns:
        The largest difference of a logit, relative to the largest logit; for labels, the largest
        share of pixels that differ.

    Raises:
        ValueError: If it is larger than the tolerance.
    """
    if path.suffix.lower() == OPENVINO:
        runtime, tolerance, session = 'OpenVINO', OPENVINO_TOLERANCE, OpenvinoSession(path)
    else:
        runtime, tolerance = 'onnxruntime', TOLERANCE
        options = dict(providers=['CPUExecutionProvider'])
        session = _call(runtime, '', onnxruntime.InferenceSession, str(path), **options)
    model.test_cfg.mode = 'whole'
    worst = 0.0
    subsets = cycle(subsets_of(graph.input_names))
    for count, size in CHECKED:
        raw, present = graph.draw_raw(count, size), list(islice(subsets, count))
        raw[:, :, 0, 0] = raw[:, ::2, 3:7, 2:9] = torch.nan  # missing readings, the first pixel too
        feed = {}
        for name, images in zip(graph.input_names, graph.split_inputs(raw)):
            absent = torch.tensor([name not in names for names in present])
            feed[name] = images.masked_fill(absent.view(-1, 1, 1, 1), torch.nan).numpy()
        meta = dict(modalities=graph.input_names, img_shape=size, ori_shape=size)
        samples = [SegDataSample(metainfo=dict(meta, present=names)) for names in present]
        with torch.no_grad():
            samples = model.test_step(dict(inputs=list(raw), data_samples=samples))
        where = f'on {count} image(s) of {size[0]} x {size[1]} px'
        outputs = _call(runtime, where, session.run, list(graph.output_names), feed)
        for name, found in zip(graph.output_names, outputs):
            error = _compare(name, samples, torch.from_numpy(found), graph.labels)
            if not error <= tolerance:
                raise ValueError(
                    f'{name} differs from PyTorch by {error:.1e} {where}, expected at most '
                    f'{tolerance:.0e}: nothing is written'
                )
            worst = max(worst, error)
    return worst


def _call(runtime: str, where: str, call: Callable, *args, **kwargs) -> Any:
    try:
        return call(*args, **kwargs)
    except Exception as error:  # its errors have no other common class
        raise ValueError(
            f'{runtime} cannot run what torch exported {where}: {_first_line(error)}'
        ) from error


def _first_line(error: Exception) -> str:
    return str(error).split('\n', 1)[0][:SHOWN]


def subsets_of(names: Sequence[str]) -> list[tuple[str, ...]]:
    """List the non-empty subsets of the modalities: first the whole, then from small to large."""
    # the whole first, because CHECKED has fewer samples than four modalities have subsets
    sizes = (len(names), *range(1, len(names)))
    return [subset for size in sizes for subset in combinations(names, size)]


def _compare(name: str, samples: list[BaseDataElement], found: Tensor, labels: bool) -> float:
    """Measure the difference between maps and those of the samples; absent ones must be empty.

    Shape:
        - found: logits (N, K, H, W), or class indices (N, H, W).
    """
    there = torch.tensor([name in sample for sample in samples])
    blank = found[~there] == IGNORE if labels else found[~there].isnan()
    if not blank.all():
        empty = IGNORE if labels else 'NaN'
        raise ValueError(f'{name}: expected {empty} where the modality is absent, got other values')
    if not there.any():
        return 0.0
    expected, found = torch.stack([s.get(name).data for s in samples if name in s]), found[there]
    if labels:
        expected = expected[:, 0]  # (N, 1, H, W) -> (N, H, W)
    elif found.shape[1] == 1:  # mmseg's segmentors give the sigmoid of a single logit
        found = found.sigmoid()
    if expected.shape != found.shape:
        raise ValueError(f'{name}: expected shape {expected.shape}, got {found.shape}')
    if labels:
        return (expected != found).double().mean().item()
    return ((expected - found).abs().max() / expected.abs().max()).item()


def check_segmentor(model: nn.Module) -> None:
    """Refuse a segmentor that returns only the ensemble, because the rest cannot be checked.

    Raises:
        ValueError: If it returns only the ensemble.
    """
    if not isinstance(model, MultimodalSegmentor):
        raise ValueError(
            f'model.type: expected MultimodalSegmentor, got {type(model).__name__}, which does not '
            'return the predictions of single modalities; set '
            "model.type='MultimodalSegmentor' in the config, which has the same weights"
        )


def changing_steps(cfg: Config) -> list[str]:
    """List the transforms of the test pipeline that do more than load and pack."""
    steps = build_lazily(cfg.test_dataloader.dataset).pipeline.transforms
    known = (LoadMultimodalImages, LoadAnnotations, PackMultimodalSegInputs)
    steps = [getattr(step, 'step', step) for step in steps if not isinstance(step, known)]
    return [type(step).__name__ for step in steps]


def export(args: argparse.Namespace) -> None:
    """Export the model, and check the file, given the arguments of `tools/export_onnx.py`.

    Raises:
        ValueError: If the file would be wrong, or loses more than allowed.
    """
    cfg = Config.fromfile(args.config)
    cfg.merge_from_dict(args.cfg_options)
    init_default_scope(cfg.get('default_scope') or 'mmseg')
    model = load_segmentor(cfg, args.checkpoint, args.allow_different_config)
    check_segmentor(model)
    if args.modality is not None:
        lost = find_fusion_points(model)
        model = single_modality_model(model, cfg.model.to_dict(), args.modality)
        for name, kind in lost.items():
            print(f'lost: what {args.modality} received at {name} ({kind})')
    for name in fix_random_bases(model):
        print(f'{name} starts from random bases in every call; the file has fixed ones')
    graph = SegmentorGraph(model, not args.no_preprocessing, args.labels, args.ensemble).eval()
    if model.test_cfg.mode != 'whole':
        print('the config tests in sliding windows: the file is the network of one window')
    for step in changing_steps(cfg):
        print(f'the config tests after {step}, which is not in the file')
    with TemporaryDirectory() as folder:  # a wrong file never gets the name
        exact = made = Path(folder, 'exact.onnx')
        write(graph, describe_segmentor(graph, cfg.to_dict()), exact)
        error = check(exact, graph, model)
        if args.shrink:
            from .shrink_onnx import shrink  # its imports take a second

            made = Path(folder, f'{args.shrink}.onnx')
            print(shrink(exact, made, cfg, args.shrink, args.max_loss))
        written = [args.out]
        if args.out.suffix.lower() == OPENVINO:
            made = Path(folder, args.out.name)
            export_openvino(exact, made)
            error = check(made, graph, model)
            written.append(args.out.with_suffix('.bin'))
            _publish(made.with_suffix('.bin'), written[-1])
        _publish(made, args.out)
    what = 'labels that differ' if args.labels else 'largest difference of a logit'
    what += f', before {args.shrink},' if args.shrink else ''
    print(
        f'wrote {" and ".join(map(str, written))}, '
        f'{sum(path.stat().st_size for path in written) / 1e6:.1f} MB: '
        f'{", ".join(graph.input_names)} -> {", ".join(graph.output_names)}; {what} from PyTorch '
        f'on {len(CHECKED)} sizes: {error:.1e}'
    )


def _publish(made: Path, target: Path) -> None:
    with whole_file(target) as draft:
        shutil.copyfile(made, draft)
