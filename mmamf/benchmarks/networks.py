"""The networks to measure, and the forms in which they run."""

from typing import NamedTuple

import torch
from mmengine.registry import MODELS
from mmseg.models.backbones import ResNet
from mmseg.models.segmentors import EncoderDecoder
from torch import Tensor, nn

import mmamf
from mmamf.models import SharedMultimodalResNet

from .baselines import LoopResNet, LoopSegmentor, SeparateNetworks
from .onnx_network import OnnxNetwork, has_onnxruntime

MODALITIES = 2
FUSION = dict(type='ChannelShufflePixelShiftFusion')
WIDTHS = {18: (64, 128, 256, 512), 50: (256, 512, 1024, 2048), 101: (256, 512, 1024, 2048)}


class Cell(NamedTuple):
    """One task, which all networks do in turns.

    Args:
        part: 'encoder' for the ResNet, 'segmentor' for the ResNet with RefineNet.
        depth: 18, 50 or 101.
        height: In px.
        width: In px.
        batch: Number of samples N; each has an image of every modality.
        mode: 'inference', or 'training' for forward and backward.
        precision: 'float32', or 'bf16' for automatic mixed precision.
    """

    part: str
    depth: int
    height: int
    width: int
    batch: int
    mode: str
    precision: str

    @property
    def name(self) -> str:
        """Name in the results."""
        size = f'{self.width}x{self.height}'
        return f'{self.part}-r{self.depth}-{size}-b{self.batch}-{self.mode}-{self.precision}'

    @classmethod
    def parse(cls, name: str) -> 'Cell':
        """Read a cell from its name."""
        part, depth, size, batch, mode, precision = name.split('-')
        width, height = map(int, size.split('x'))
        return cls(part, int(depth[1:]), height, width, int(batch[1:]), mode, precision)


class Form(NamedTuple):
    """A network, and the way in which it runs.

    Args:
        network: 'ours'; 'plain' for mmseg's network on N*M images; 'loop' for one modality after
            the other; 'separate' for one network per modality.
        layout: 'contiguous' or 'channels_last'.
        how: 'eager', 'compiled', 'deployed', 'recomputed' (activation checkpointing), or
            'onnxruntime' for the deployed form in onnxruntime.
    """

    network: str
    layout: str = 'contiguous'
    how: str = 'eager'

    @property
    def name(self) -> str:
        """Name in the results."""
        return '/'.join(self)


def forms_of(cell: Cell, compiled: bool) -> list[Form]:
    """List the forms to measure in a cell."""
    layouts = ('contiguous', 'channels_last')
    networks = ('plain', 'ours', 'loop', 'separate')
    forms = [Form(network, layout) for layout in layouts for network in networks]
    special = 'deployed' if cell.mode == 'inference' else 'recomputed'
    forms += [Form('ours', layout, special) for layout in layouts]
    if cell.mode == 'inference' and cell.precision == 'float32' and has_onnxruntime():
        forms.append(Form('ours', how='onnxruntime'))
    if compiled:
        forms += [Form(network, 'contiguous', 'compiled') for network in ('plain', 'ours')]
    return forms


def build(cell: Cell, form: Form) -> nn.Module | OnnxNetwork:
    """Build a network for its task. All networks start from the same seed."""
    torch.manual_seed(0)
    network = _build_network(cell, form.network, form.how == 'recomputed')
    network.train(cell.mode == 'training')
    if form.how in ('deployed', 'onnxruntime'):
        network = mmamf.deploy(network)
    if form.how == 'onnxruntime':
        return OnnxNetwork(network, make_inputs(cell, form))
    if form.layout == 'channels_last':
        network = network.to(memory_format=torch.channels_last)
    return torch.compile(network) if form.how == 'compiled' else network


def make_inputs(cell: Cell, form: Form) -> Tensor:
    """Make the batch: (N, M*3, H, W), or (N*M, 3, H, W) for the plain network."""
    torch.manual_seed(0)
    x = torch.randn(cell.batch, MODALITIES * 3, cell.height, cell.width)
    if form.network == 'plain':
        x = x.view(cell.batch * MODALITIES, 3, cell.height, cell.width)
    return x.contiguous(memory_format=getattr(torch, f'{form.layout}_format', torch.channels_last))


def _build_network(cell: Cell, network: str, recomputed: bool) -> nn.Module:
    segmentor = cell.part == 'segmentor'
    if network == 'plain':
        return _plain_segmentor(cell.depth) if segmentor else ResNet(cell.depth)
    if network == 'separate':
        build_one = _plain_segmentor if segmentor else ResNet
        return SeparateNetworks(lambda: build_one(cell.depth), MODALITIES)
    if network == 'loop':
        encoder = LoopResNet(cell.depth, MODALITIES)
        return LoopSegmentor(encoder, MODELS.build(_head(cell.depth))) if segmentor else encoder
    options = dict(num_modalities=MODALITIES, fusion=FUSION, with_cp=recomputed)
    if not segmentor:
        return SharedMultimodalResNet(cell.depth, **options)
    return MODELS.build(
        dict(
            type='MultimodalSegmentor',
            backbone=dict(type='SharedMultimodalResNet', depth=cell.depth, **options),
            decode_head=dict(
                type='ModalityEnsembleHead', num_modalities=MODALITIES, head=_head(cell.depth)
            ),
        )
    )


def _plain_segmentor(depth: int) -> EncoderDecoder:
    return EncoderDecoder(dict(type='ResNet', depth=depth), _head(depth))


def _head(depth: int) -> dict:
    loss = dict(type='CrossEntropyLoss', avg_non_ignore=True)
    return dict(
        type='RefineNetHead',
        in_channels=list(WIDTHS[depth]),
        in_index=[0, 1, 2, 3],
        num_classes=40,
        loss_decode=loss,
    )
