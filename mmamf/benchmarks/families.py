"""Measures a network of every config family in each form in which it can run on a CPU."""

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from mmengine.config import Config
from mmengine.registry import MODELS, init_default_scope
from torch import nn

import mmamf
from mmamf.analysis.count_parts import count_parts
from mmamf.deployment import fix_random_bases
from mmamf.models.fit_model import fit_model
from mmamf.whole_file import write_json

from .exported_forms import ExportedForms
from .families_report import FAMILIES, make_table
from .interleaved import seconds_of
from .speed import processor
from .task import keep_memory

CLASSES = 40
CONFIGS = Path(mmamf.__file__).parents[1] / 'configs' / 'amf'
Step = Callable[[], object]


def measure_families(args: argparse.Namespace) -> None:
    """Measure and report, given the arguments of `tools/analysis/benchmark_families.py`."""
    init_default_scope('mmseg')
    keep_memory()
    results = json.loads(args.out.read_text()) if args.out.is_file() else {}
    own = results.setdefault(f'{processor()}, torch {torch.__version__}', {})
    for name in [] if args.report else args.families:
        if name in own:
            print(f'{name}: is in {args.out}, not measured again')
            continue
        start = time.monotonic()
        own[name] = measure_family(read_model(name), args)
        write_json(args.out, results)
        print(f'{name}: {time.monotonic() - start:.0f} s', flush=True)
        print(make_table({name: own[name]}, args.runs), flush=True)
    for machine, families in results.items():
        if families:
            print(f'Measured on: {machine}.\n\n{make_table(families, args.runs)}')


def read_model(family: str) -> dict:
    """Read the model of a family's config, without pretrained weights and with 40 classes."""
    model = Config.fromfile(CONFIGS / FAMILIES[family].config).model.to_dict()
    backbone = model['backbone']
    for part in (backbone, backbone.get('backbone', backbone)):
        part['init_cfg'] = None
    model['decode_head']['head']['num_classes'] = CLASSES
    model['data_preprocessor'].pop('size', None)  # it is for training
    return model


def measure_family(config: dict, args: argparse.Namespace) -> dict:
    """Measure a network: parameters, multiply-adds, and the seconds of every round.

    Args:
        config: Config of the model.
        args: The arguments ``size``, ``threads``, ``rounds`` and ``seconds`` of the tool.
    """
    size = tuple(args.size)
    counts = count_parts(config, size)
    counts.pop('auxiliary_head', None)
    torch.manual_seed(0)
    model = MODELS.build(fit_model(config)).eval()
    fix_random_bases(model)
    result = dict(
        parameters=sum(part.parameters for part in counts.values()),
        gmacs=sum(part.gmacs for part in counts.values()),
        seconds={},
    )
    with TemporaryDirectory() as folder, torch.no_grad():
        torch_forms = _torch_forms(model, build_plain(config), size)
        exported = ExportedForms(model, size, Path(folder))
        before = torch.get_num_threads()
        for threads in args.threads:
            torch.set_num_threads(threads)
            steps = torch_forms | exported.steps(threads)
            result['seconds'][str(threads)] = _take_turns(steps, args.rounds, args.seconds)
        torch.set_num_threads(before)
    return result


def build_plain(config: dict) -> nn.Module:
    """Build mmseg's network with the same backbone and head, for the images of one modality."""
    backbone = config['backbone']
    if 'backbone' in backbone:
        plain = backbone['backbone']
    else:  # SharedMultimodalResNet, whose other arguments are those of mmseg's ResNet
        private = ('fusion', 'num_modalities', 'init_cfg')
        plain = {key: value for key, value in backbone.items() if key not in private}
        plain['type'] = 'ResNet'
    head = config['decode_head']['head']
    built = MODELS.build(dict(type='EncoderDecoder', backbone=plain, decode_head=head))
    return built.train(False)


def _torch_forms(model: nn.Module, plain: nn.Module, size: tuple[int, int]) -> dict[str, Step]:
    """Make a step of each form in torch, which gives one map of logits in the size of the images.

    The plain network's is the mean of its two.
    """
    metas = [dict(img_shape=size, ori_shape=size, pad_shape=size)]
    last = torch.channels_last
    stacked = torch.randn(1, len(model.data_preprocessor.modalities) * 3, *size)
    single = stacked.view(-1, 3, *size)

    def ours(network: nn.Module, x: torch.Tensor) -> Step:
        return lambda: network.decode_head.predict(network.extract_feat(x), metas, {})

    def theirs() -> torch.Tensor:
        return plain.decode_head.predict_by_feat(plain(single).mean(0, keepdim=True), metas)

    return {
        'plain': theirs,
        'eager': ours(model, stacked),
        'deployed': ours(mmamf.deploy(model), stacked),
        'channels last': ours(
            mmamf.deploy(model).to(memory_format=last), stacked.contiguous(memory_format=last)
        ),
    }


def _take_turns(steps: dict[str, Step], rounds: int, seconds: float) -> dict[str, list[float]]:
    for step in steps.values():
        step()  # warms up
    values: dict[str, list[float]] = {name: [] for name in steps}
    start = time.monotonic()
    for _ in range(rounds):
        for name, step in steps.items():
            values[name].append(seconds_of(step))
        if time.monotonic() - start > seconds:
            break
    return values
