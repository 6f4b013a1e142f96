"""Two gloo processes do what one process does on the joint batch."""

import os
import socket
import sys

import pytest
import torch
from mmengine.dist import init_dist
from mmengine.model import MMDistributedDataParallel
from mmengine.registry import DATASETS, MODELS, init_default_scope
from mmengine.runner import Runner
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample
from torch import nn

from mmamf.evaluation import MultimodalIoUMetric

N, H, W, CLASSES = 4, 32, 40, 3
NORM = dict(type='ModalitySpecificBN', num_modalities=2)
MODEL = dict(
    type='MultimodalSegmentor',
    data_preprocessor=None,
    backbone=dict(
        type='SharedMultimodalResNet',
        depth=18,
        num_modalities=2,
        base_channels=4,
        stem_channels=4,
        norm_cfg=NORM,
        zero_init_residual=False,  # which would leave most gradients zero
        fusion=dict(type='ChannelShufflePixelShiftFusion'),
    ),
    decode_head=dict(
        type='ModalityEnsembleHead',
        num_modalities=2,
        head=dict(
            type='FCNHead',
            in_channels=32,
            in_index=3,
            channels=4,
            num_convs=1,
            concat_input=False,
            dropout_ratio=0,
            num_classes=CLASSES,
            norm_cfg=NORM,
            align_corners=False,
            loss_decode=dict(type='CrossEntropyLoss'),
        ),
    ),
    test_cfg=dict(mode='whole'),
)


def build_model(mode: str) -> nn.Module:
    torch.manual_seed(0)
    init_default_scope('mmseg')
    config = MODEL
    if mode == 'apart':  # with an operator that has parameters
        fusion = dict(type='ConcatenationFusion')
        config = dict(
            MODEL,
            backbone=dict(MODEL['backbone'], fusion=fusion),
            train_cfg=dict(exchange_dropout=0.5),
        )
    model = MODELS.build(config)
    model.init_weights()
    model.train()
    if 'bfloat16' not in mode:
        model.double()
    if mode == 'frozen':
        for module in model.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eval()
    return model


def make_batch() -> tuple[torch.Tensor, list[SegDataSample]]:
    generator = torch.Generator().manual_seed(1)
    inputs = torch.randn(N, 6, H, W, generator=generator, dtype=torch.float64)
    inputs[:, 3:] += 5  # the modalities have other statistics, and so have the samples
    inputs += torch.arange(N).view(-1, 1, 1, 1)
    samples = []
    for _ in range(N):
        sample = SegDataSample(metainfo=dict(modalities=('rgb', 'depth'), img_shape=(H, W)))
        label = torch.randint(0, CLASSES, (1, H, W), generator=generator)
        sample.gt_sem_seg = PixelData(data=label)
        samples.append(sample)
    return inputs, samples


def step(model: nn.Module, part: slice, without_depth: int = 0) -> dict[str, torch.Tensor]:
    """Run a backward pass and return gradients and buffers; the first samples may lack depth."""
    inputs, samples = make_batch()
    inputs[:without_depth, 3:] = torch.nan
    for sample in samples[:without_depth]:
        sample.set_metainfo(dict(present=('rgb',)))
    bare = getattr(model, 'module', model)
    dtype = next(bare.parameters()).dtype
    # float32 stands for mixed precision; autocast leaves float64 alone
    with torch.autocast('cpu', torch.bfloat16, enabled=dtype == torch.float32):
        losses = model(inputs[part].to(dtype), samples[part], mode='loss')
    sum(value for name, value in losses.items() if 'loss' in name).backward()
    result = {name: p.grad for name, p in bare.named_parameters() if p.grad is not None}
    result.update({name: b for name, b in bare.named_buffers() if 'running' in name})
    return result


def train_half(rank: int, mode: str) -> dict:
    """Be one of two processes, each with half of the batch."""
    model = build_model(mode)
    if mode != 'frozen':
        model = nn.SyncBatchNorm.convert_sync_batchnorm(model)
    model = MMDistributedDataParallel(module=model, device_ids=[rank], broadcast_buffers=False)
    half = N // 2
    return step(model, slice(rank * half, (rank + 1) * half))


def train_half_without_depth(rank: int, mode: str) -> dict:
    """Be one of two processes, the first of which has no depth at all."""
    model = build_model(mode)
    model = MMDistributedDataParallel(module=model, device_ids=[rank], broadcast_buffers=False)
    return step(model, slice(rank * 2, rank * 2 + 2), without_depth=2)


def train_half_apart(rank: int, mode: str) -> dict:
    """Be one of two processes, the first of which has modalities that exchange nothing."""
    model = build_model(mode)
    model.exchange_dropout.draw = lambda: None if rank else [[0], [1]]
    model = MMDistributedDataParallel(module=model, device_ids=[rank], broadcast_buffers=False)
    found = step(model, slice(rank * 2, rank * 2 + 2))
    return found | {name: b for name, b in model.module.named_buffers() if 'part' in name}


def count_samples(rank: int, root: str) -> dict:
    """Be one of two processes that evaluate a data set with an odd number of samples."""
    init_default_scope('mmseg')
    dataset = dict(
        type='MultimodalSegDataset',
        modalities=('rgb', 'depth'),
        data_root=root,
        data_prefix=dict(rgb='rgb', depth='depth', seg_map_path='label'),
        metainfo=dict(classes=tuple('abcde')),
        pipeline=[
            dict(
                type='LoadMultimodalImages',
                modalities=dict(
                    rgb=dict(channels=3, dtype='uint8'), depth=dict(channels=1, dtype='uint16')
                ),
            ),
            dict(type='LoadLabelMap'),
            dict(type='PackMultimodalSegInputs'),
        ],
    )
    sampler = dict(type='DefaultSampler', shuffle=False)
    loader = Runner.build_dataloader(
        dict(batch_size=1, num_workers=0, sampler=sampler, dataset=dataset)
    )
    metric = MultimodalIoUMetric()
    metric.dataset_meta = DATASETS.build(dataset).metainfo
    for batch in loader:
        samples = []
        for sample in batch['data_samples']:
            # wrong in the first column of every sample whose number is odd
            prediction = sample.gt_sem_seg.data.clone()
            if int(sample.img_path[-6:-4]) % 2:
                prediction[..., 0] = (prediction[..., 0] + 1) % 5
            prediction[prediction == 255] = 0
            for key in ('', '_rgb', '_depth'):
                sample.set_data({f'pred_sem_seg{key}': PixelData(data=prediction)})
            samples.append(sample.to_dict())
        metric.process(batch, samples)
    return metric.evaluate(len(loader.dataset))


@pytest.fixture
def run_processes(tmp_path, start_script):
    """Runner of a function of this file in some processes; returns their results by rank."""

    def run(function, world_size: int, argument: str) -> list[dict]:
        with socket.socket() as free:
            free.bind(('127.0.0.1', 0))
            port = str(free.getsockname()[1])
        outputs = [tmp_path / f'{world_size}_{rank}.pth' for rank in range(world_size)]
        processes = [
            start_script(
                __file__, function.__name__, str(rank), str(world_size), port, str(out), argument
            )
            for rank, out in enumerate(outputs)
        ]
        for process in processes:
            process.join(60)
            assert process.exitcode == 0
        return [torch.load(out) for out in outputs]

    return run


@pytest.mark.parametrize(
    ('mode', 'tolerance'),
    [('frozen', 1e-9), ('synchronized', 1e-9), ('synchronized, bfloat16', 2e-2)],
)
def test_two_processes_equal_one_on_the_joint_batch(run_processes, mode, tolerance):
    model = build_model(mode)
    before = {name: buffer.clone() for name, buffer in model.named_buffers()}
    expected = step(model, slice(None))
    for got in run_processes(train_half, 2, mode):
        assert got.keys() == expected.keys()
        for name, value in expected.items():
            assert got[name].dtype == value.dtype, name
            assert value.any() or 'running' in name, name
            assert (got[name] - value).abs().max() <= tolerance * value.abs().max(), name
    if mode != 'frozen':
        mean = 'backbone.bn1.running_mean'
        rgb, depth = (expected[mean] - before[mean]).chunk(2)
        assert not torch.allclose(rgb, depth)


def test_a_process_whose_samples_lack_a_modality(run_processes):
    """Every parameter has its gradient, and the statistics of depth stay where there is none."""
    model = build_model('')
    before = {name: buffer.clone() for name, buffer in model.named_buffers()}
    first, second = run_processes(train_half_without_depth, 2, '')
    assert first.keys() == second.keys() == step(model, slice(None)).keys()
    mean = 'backbone.bn1.running_mean'
    for name, value in first.items():
        assert value.isfinite().all(), name
        if 'running' not in name:
            assert (value == second[name]).all(), name
    assert (first[mean].chunk(2)[1] == before[mean].chunk(2)[1]).all()
    assert (first[mean].chunk(2)[0] != before[mean].chunk(2)[0]).all()
    assert (second[mean] != before[mean]).all()


def test_a_process_whose_modalities_exchange_nothing(run_processes):
    """Every parameter has its gradient, and every process has its own statistics."""
    model = build_model('apart')
    before = {name: buffer.clone() for name, buffer in model.named_buffers()}
    first, second = run_processes(train_half_apart, 2, 'apart')
    assert set(dict(model.named_parameters())) <= first.keys()
    for name, value in first.items():
        if name in before:  # a buffer
            changed = second if 'running' in name else first
            other = first if 'running' in name else second
            assert (changed[name] != before[name]).any(), name
            assert (other[name] == before[name]).all(), name
        else:
            assert value.isfinite().all() and (value == second[name]).all(), name


def test_metric_counts_every_sample_once(run_processes, make_rgbd_dataset):
    root = str(make_rgbd_dataset(count=5))
    (alone,) = run_processes(count_samples, 1, root)
    for together in run_processes(count_samples, 2, root):
        assert together == alone
    assert alone['PixAcc'] == alone['depth/PixAcc'] < 100


if __name__ == '__main__':
    function, rank, world_size, port, out, argument = sys.argv[1:]
    os.environ.update(
        RANK=rank,
        LOCAL_RANK=rank,
        WORLD_SIZE=world_size,
        MASTER_ADDR='127.0.0.1',
        MASTER_PORT=port,
        CUDA_VISIBLE_DEVICES='-1',
    )
    torch.set_num_threads(1)
    if world_size != '1':
        init_dist('pytorch', backend='nccl')  # what configs say; gloo without a GPU
    torch.save(globals()[function](int(rank), argument), out)
    if world_size != '1':
        torch.distributed.barrier()
        torch.distributed.destroy_process_group()
