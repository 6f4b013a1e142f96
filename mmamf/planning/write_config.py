"""Writes a plan as a config."""

from pathlib import Path
from typing import Any

from .config_text import Code, Copy, assign, write_comment, write_list
from .counted import counted
from .draft_model import FROM_SCRATCH, change_model, pad_to
from .make_plan import MODALITY, Plan
from .samples.found_data import FoundData

RUNTIME = '_base_/default_runtime.py'
FOLDER = '{{ fileDirname }}'  # mmengine replaces it by the folder of the config


def write_config(data: FoundData, plan: Plan, folder: str | Path, name: str) -> Path:
    """Write a config that `tools/train.py` runs, with the reason above each choice.

    It reads the tables `train.csv` and `val.csv` beside it, and bases of this package. It does not
    need the planner.

    Args:
        data: The samples.
        plan: The decisions.
        folder: Where to write it.
        name: Its name without suffix.

    Returns:
        Its path.
    """
    path = Path(folder, f'{name}.py')
    path.parent.mkdir(parents=True, exist_ok=True)
    parts = [_head, _labels_and_modalities, _pipelines, _loaders, _model, _schedule]
    lines = [line for part in parts for line in part(data, plan)]
    path.write_text('\n'.join(lines) + '\n')
    return path


def _head(data: FoundData, plan: Plan) -> list[str]:
    device = plan.machine.gpu or f'{counted(plan.machine.cpus, "CPU")}'
    counts = ', '.join(f'{len(data.of_split(side))} {side}' for side in ('train', 'val'))
    rung = plan['network']
    bases = [rung.base, rung.schedule if plan['weights'] else FROM_SCRATCH, RUNTIME]
    return [
        *write_comment(
            f'Planned for {counted(plan.minutes, "minute")} on {device}: {counts} samples. This is '
            'an ordinary config: change what you know better.'
        ),
        *_reasons(plan, 'network', 'weights'),
        *assign('_base_', [f'mmamf::{base}' for base in bases]),
        *assign('data_root', str(data.root.resolve())),
    ]


def _labels_and_modalities(data: FoundData, plan: Plan) -> list[str]:
    described = [c for name, c in plan.choices.items() if name.startswith(MODALITY)]
    return [
        *_reasons(plan, 'classes'),
        *assign('classes', plan['classes']),
        *write_list(
            'modalities', [(choice.reason, choice.value) for choice in described], fill=True
        ),
    ]


def _pipelines(data: FoundData, plan: Plan) -> list[str]:
    lines = _reasons(plan, 'labels')
    loading: dict[str, Any] = dict(type='LoadLabelMap')
    if 'colors' in plan['labels']:
        lines += assign('colors', plan['labels']['colors'])
        loading['colors'] = Code('colors')
    size = plan['size']
    resize = dict(type='Resize', scale_factor=size.scale, keep_ratio=True)
    return [
        *lines,
        *assign('load_images', dict(type='LoadMultimodalImages')),
        *assign('load_labels', loading),
        *assign('pack', dict(type='PackMultimodalSegInputs')),
        *_reasons(plan, 'size'),
        *(assign('resize', resize) if size.scale != 1 else []),
        *(assign('crop_size', size.train) if _has_one_size(plan) else []),
        *write_list('train_pipeline', _train_steps(plan)),
        *write_list('test_pipeline', _test_steps(plan)),
    ]


def _train_steps(plan: Plan) -> list[tuple[str, Any]]:
    """List the transforms of training, each with its reason."""
    size, strength, flips = plan['size'], plan['strength'], plan['flips']
    reasons = {name: choice.reason for name, choice in plan.choices.items()}
    crop = dict(type='RandomCrop', crop_size=Code('crop_size'))
    steps: list[tuple[str, Any]] = [('', Code('load_images'))]
    steps.append(('', Code('load_labels')))
    if strength['scales']:
        ratios = tuple(round(size.scale * ratio, 3) for ratio in strength['scales'])
        steps.append((reasons['strength'], dict(type='RandomScale', ratio_range=ratios)))
    elif size.scale != 1:
        steps.append(('', Code('resize')))
    if size.crop:
        steps.append((reasons['crop'], {**crop, **plan['crop']}))
    elif strength['scales']:
        steps.append(('', crop))
    if flips:
        several = dict(prob=[0.5 / len(flips)] * len(flips), direction=[*flips])
        how = dict(prob=0.5) if flips == ('horizontal',) else several
        steps.append((reasons['flips'], dict(type='RandomFlip', **how)))
    if strength['colors']:
        steps.append(('', dict(type='PhotoMetricDistortion')))
    steps.append(('' if flips else reasons['flips'], Code('pack')))
    return steps


def _test_steps(plan: Plan) -> list[tuple[str, Any]]:
    # labels keep their size: predictions are scaled back and measured there
    scaling = ['resize'] if plan['size'].scale != 1 else []
    return [('', Code(step)) for step in ('load_images', *scaling, 'load_labels', 'pack')]


def _loaders(data: FoundData, plan: Plan) -> list[str]:
    size, workers = plan['size'], plan['workers']
    labels = {key: value for key, value in plan['labels'].items() if key != 'colors'}
    dataset = dict(
        type='MultimodalSegDataset',
        data_root=Code('data_root'),
        modalities=Code('modalities'),
        metainfo=dict(classes=Code('classes')),
        **labels,
    )
    loading: dict[str, Any] = dict(batch_size=plan['batch_size'], num_workers=workers)
    if workers:
        loading['persistent_workers'] = True
    balanced = dict(
        type='ClassBalancedDataset', oversample_thr=plan['sampling'], dataset=Code('train_set')
    )
    alike = size.alike and plan['test']['mode'] == 'whole'
    # images of different sizes would be padded, and large ones need the memory
    single = {} if alike else dict(batch_size=1)
    return [
        *assign('dataset', dataset),
        *assign('train_set', _table('train', 'train_pipeline')),
        *_reasons(plan, 'sampling'),
        *(assign('train_set', balanced) if plan['sampling'] else []),
        *assign('val_set', _table('val', 'test_pipeline')),
        *_reasons(plan, 'batch_size', 'workers'),
        *assign('loading', loading),
        *assign('train_dataloader', _loader('InfiniteSampler', True, 'train_set')),
        *assign('val_dataloader', _loader('DefaultSampler', False, 'val_set', **single)),
        'test_dataloader = val_dataloader',
        *_reasons(plan, 'metric'),
        *assign('val_evaluator', dict(type=plan['metric'])),
        'test_evaluator = val_evaluator',
    ]


def _model(data: FoundData, plan: Plan) -> list[str]:
    size, weights = plan['size'], plan['loss']
    lines = _reasons(plan, 'loss')
    if weights:
        lines += assign('class_weight', weights)
    model = change_model(
        plan['network'],
        bool(plan['weights']),
        dict(modalities=Code('modalities'), **pad_to(size, Code('crop_size'))),
        Code('len(classes)'),
        dict(class_weight=Code('class_weight')) if weights else None,
    )
    if plan['exchange_dropout'] is not None:
        lines += _reasons(plan, 'exchange_dropout')
        model['train_cfg'] = dict(exchange_dropout=plan['exchange_dropout'])
    test = plan['test']
    if test['mode'] == 'slide':
        lines += _reasons(plan, 'test')
        model['test_cfg'] = dict(test, crop_size=Code('crop_size'))
    return [*lines, *assign('model', model)]


def _schedule(data: FoundData, plan: Plan) -> list[str]:
    schedule = plan['schedule']
    train: dict[str, Any] = dict(max_iters=Code('max_iters'), val_interval=Code('val_interval'))
    lines = [
        *_reasons(plan, 'learning_rate', 'precision'),
        *assign(
            'optim_wrapper',
            dict(type=plan['precision'], optimizer=dict(lr=plan['learning_rate'], fused=True)),
        ),
        *_reasons(plan, 'schedule'),
        *assign('max_iters', schedule.iterations),
        *assign('val_interval', schedule.interval),
        *assign('warm_up', schedule.warm_up),
    ]
    if schedule.first < schedule.interval:
        lines += assign('first_look', schedule.first)
        # mmengine compares the milestone with the iteration after the next
        later = [(Code('first_look + 2'), Code('val_interval'))]
        train |= dict(val_interval=Code('first_look'), dynamic_intervals=later)
    ramp = dict(type='LinearLR', start_factor=0.01, begin=0, end=Code('warm_up'), by_epoch=False)
    decay = dict(
        type='PolyLR',
        power=0.9,
        begin=Code('warm_up'),
        end=Code('max_iters'),
        by_epoch=False,
    )
    return [
        *lines,
        *assign('param_scheduler', [ramp, decay]),
        *assign('train_cfg', train),
        *assign('default_hooks', dict(checkpoint=dict(interval=Code('val_interval')))),
        *write_comment('After each validation: prediction_sheet.png beside the log.'),
        *assign('custom_hooks', [dict(type='PredictionSheetHook')]),
    ]


def _has_one_size(plan: Plan) -> bool:
    size = plan['size']
    return bool(size.crop or size.alike or plan['strength']['scales'])


def _table(split: str, pipeline: str) -> Copy:
    return Copy('dataset', ann_file=f'{FOLDER}/{split}.csv', pipeline=Code(pipeline))


def _loader(sampler: str, shuffle: bool, dataset: str, **changes: Any) -> Copy:
    sampling = dict(type=sampler, shuffle=shuffle)
    return Copy('loading', **changes, sampler=sampling, dataset=Code(dataset))


def _reasons(plan: Plan, *names: str, end: str = '') -> list[str]:
    """Write the reasons of choices as one comment."""
    return write_comment(' '.join(plan.choices[name].reason for name in names) + end)
