"""The networks to measure, and the forms in which they run."""

from typing import NamedTuple

import torch
from mmengine.registry import MODELS
from mmseg.models.backbones import MixVisionTransformer, ResNet
from mmseg.models.segmentors import EncoderDecoder
from torch import Tensor, nn

import mmamf
from mmamf.models import SharedMultimodalBackbone, SharedMultimodalResNet

from .baselines import LoopNetworks, LoopResNet, LoopSegmentor, SeparateNetworks
from .onnx_network import OnnxNetwork, has_onnxruntime

MODALITIES = 2
FUSION = dict(type='ChannelShufflePixelShiftFusion')
MIT_B0 = 'mitb0'
WIDTHS = {18: (64, 128, 256, 512), 50: (256, 512, 1024, 2048), 101: (256, 512, 1024, 2048)}


class Cell(NamedTuple):
    """One task, which all networks do in turns.

    Args:
        part: 'encoder' for the backbone, 'segmentor' for a ResNet with RefineNet.
        depth: 18, 50 or 101 for a ResNet; 'mitb0' for the encoder MiT-B0.
        height: In px.
        width: In px.
        batch: Number of samples N; each has an image of every modality.
        mode: 'inference', or 'training' for forward and backward.
        precision: 'float32', or 'bf16' or 'float16' for automatic mixed precision.
    """

    part: str
    depth: int | str
    height: int
    width: int
    batch: int
    mode: str
    precision: str

    @property
    def name(self) -> str:
        """Name in the results."""
        size = f'{self.width}x{self.height}'
        network = self.depth if self.depth == MIT_B0 else f'r{self.depth}'
        return f'{self.part}-{network}-{size}-b{self.batch}-{self.mode}-{self.precision}'

    @classmethod
    def parse(cls, name: str) -> 'Cell':
        """Read a cell from its name."""
        part, network, size, batch, mode, precision = name.split('-')
        depth = network if network == MIT_B0 else int(network[1:])
        width, height = map(int, size.split('x'))
        return cls(part, depth, height, width, int(batch[1:]), mode, precision)


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
    if cell.depth != MIT_B0:
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
    if cell.depth == MIT_B0:
        return _build_mit(network)
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


def _build_mit(network: str) -> nn.Module:
    """Build MiT-B0; ours fuses its outputs, and the loop, which has no fusion, does less."""
    config = dict(embed_dims=32, num_layers=[2, 2, 2, 2], num_heads=[1, 2, 5, 8])
    if network == 'ours':
        backbone = dict(config, type='MixVisionTransformer')
        return SharedMultimodalBackbone(MODALITIES, backbone, fusion=FUSION)
    if network == 'plain':
        return MixVisionTransformer(**config)
    kind = LoopNetworks if network == 'loop' else SeparateNetworks
    return kind(lambda: MixVisionTransformer(**config), MODALITIES)


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
