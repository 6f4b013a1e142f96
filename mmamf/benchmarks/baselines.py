"""Baselines of the benchmarks: the same networks, written in the usual way."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from mmseg.models.backbones import ResNet
from mmseg.models.backbones.resnet import BasicBlock
from torch import Tensor, nn


class SeparateNetworks(nn.Module):
    """One whole network for every modality; they share nothing and exchange nothing.

    Args:
        build: Function that builds the network of one modality.
        num_modalities: Number of modalities M.

    Shape:
        - Input: (N, M*3, H, W), the modalities stacked along channels.
        - Output: a list with the outputs of the M networks.
    """

    def __init__(self, build: Callable[[], nn.Module], num_modalities: int) -> None:
        super().__init__()
        self.networks = nn.ModuleList(build() for _ in range(num_modalities))

    def forward(self, x: Tensor) -> list:
        """Run every network on its modality."""
        parts = x.chunk(len(self.networks), dim=1)
        return [network(part) for network, part in zip(self.networks, parts, strict=True)]


class LoopNetworks(SeparateNetworks):
    """One network that is called once per modality, with private norms; nothing is exchanged.

    Args:
        build: Function that builds the network of one modality.
        num_modalities: Number of modalities M.

    Shape:
        - Input: (N, M*3, H, W), the modalities stacked along channels.
        - Output: a list with the outputs for the M modalities.
    """

    def __init__(self, build: Callable[[], nn.Module], num_modalities: int) -> None:
        super().__init__(build, num_modalities)
        first, *others = self.networks
        for network in others:
            for name, layer in network.named_modules():
                if not isinstance(layer, nn.LayerNorm | nn.BatchNorm2d):
                    layer._parameters.update(first.get_submodule(name)._parameters)


class LoopResNet(nn.Module):
    """The fused ResNet, written as a loop over the modalities, as in published code.

    Every convolution is called once per modality, and the private norms are a list of layers. The
    pixel shift pads and crops, and shift and shuffle both concatenate. The last block of each stage
    is fused. It computes the same as SharedMultimodalResNet with ChannelShufflePixelShiftFusion,
    with the same weights (see ``load_ours``).

    Args:
        depth: 18, 34, 50, 101 or 152.
        num_modalities: Number of modalities M.
        **kwargs: Passed on to mmseg's ResNet, whose layers this network uses.

    Shape:
        - Input: (N, M*3, H, W), the modalities stacked along channels.
        - Output: for each stage a list of M maps (N, C, h, w).
    """

    def __init__(self, depth: int, num_modalities: int, **kwargs) -> None:
        super().__init__()
        self.num_modalities = num_modalities
        self.resnet = ResNet(depth, **kwargs)
        _make_norms_private(self.resnet, num_modalities)

    def forward(self, x: Tensor) -> list[list[Tensor]]:
        """Run every layer for each modality in turn."""
        net = self.resnet
        maps = _norm(net.norm1, _each(net.conv1, list(x.chunk(self.num_modalities, 1))))
        maps = _each(net.maxpool, _each(net.relu, maps))
        pyramid = []
        for name in net.res_layers:
            blocks = getattr(net, name)
            for index, block in enumerate(blocks):
                run = _basic if isinstance(block, BasicBlock) else _bottleneck
                maps = run(block, maps, fused=len(maps) > 1 and index == len(blocks) - 1)
            pyramid.append(maps)
        return pyramid

    def load_ours(self, state: dict[str, Tensor]) -> None:
        """Load the weights of a SharedMultimodalResNet."""
        m, own = self.num_modalities, {}
        for key, value in state.items():
            name, entry = key.rsplit('.', 1)
            if isinstance(self.resnet.get_submodule(name), nn.ModuleList):
                parts = value.chunk(m) if value.ndim else [value] * m
                own |= {f'{name}.{index}.{entry}': part for index, part in enumerate(parts)}
            else:
                own[key] = value
        self.resnet.load_state_dict(own)


class LoopSegmentor(nn.Module):
    """A LoopResNet, a decode head that is called once per modality, and their ensemble.

    Args:
        backbone: The encoder.
        head: Decode head for one modality; the modalities share it.

    Shape:
        - Input: (N, M*3, H, W), the modalities stacked along channels.
        - Output: logits of the ensemble (N, K, h, w).
    """

    def __init__(self, backbone: LoopResNet, head: nn.Module) -> None:
        super().__init__()
        self.backbone = backbone
        self.head = head
        self.alpha = nn.Parameter(torch.ones(backbone.num_modalities))

    def forward(self, x: Tensor) -> Tensor:
        """Compute the logits of every modality, and their weighted sum."""
        pyramid = self.backbone(x)
        members = [self.head([level[m] for level in pyramid]) for m in range(len(self.alpha))]
        return sum(weight * logits for weight, logits in zip(self.alpha.softmax(0), members))


def _make_norms_private(module: nn.Module, num_modalities: int) -> None:
    for name, child in module.named_children():
        if isinstance(child, nn.BatchNorm2d):
            norms = [nn.BatchNorm2d(child.num_features) for _ in range(num_modalities)]
            setattr(module, name, nn.ModuleList(norms))
        else:
            _make_norms_private(child, num_modalities)


def _each(layer: nn.Module, maps: list[Tensor]) -> list[Tensor]:
    return [layer(x) for x in maps]


def _norm(norms: nn.ModuleList, maps: list[Tensor]) -> list[Tensor]:
    return [norm(x) for norm, x in zip(norms, maps, strict=True)]


def _basic(block: nn.Module, maps: list[Tensor], fused: bool) -> list[Tensor]:
    out = _shuffle(maps) if fused else maps
    out = _each(block.relu, _norm(block.norm1, _each(block.conv1, out)))
    if fused:
        out = _shuffle(_add_shifted(out, maps))
    out = _norm(block.norm2, _each(block.conv2, out))
    return _add_shortcut(block, out, maps)


def _bottleneck(block: nn.Module, maps: list[Tensor], fused: bool) -> list[Tensor]:
    before = _each(block.relu, _norm(block.norm1, _each(block.conv1, maps)))
    out = _shuffle(before) if fused else before
    out = _each(block.relu, _norm(block.norm2, _each(block.conv2, out)))
    if fused:
        out = _shuffle(_add_shifted(out, before))
    out = _norm(block.norm3, _each(block.conv3, out))
    return _add_shortcut(block, out, maps)


def _add_shortcut(block: nn.Module, out: list[Tensor], maps: list[Tensor]) -> list[Tensor]:
    if block.downsample is not None:
        conv, norms = block.downsample
        maps = _norm(norms, _each(conv, maps))
    return [block.relu(x + shortcut) for x, shortcut in zip(out, maps, strict=True)]


def _kept(x: Tensor) -> int:
    return x.shape[1] // 5 * 4


def _shuffle(maps: list[Tensor]) -> list[Tensor]:
    partners = maps[1:] + maps[:1]
    return [
        torch.cat([x[:, : _kept(x)], partner[:, _kept(x) :]], dim=1)
        for x, partner in zip(maps, partners, strict=True)
    ]


def _add_shifted(maps: list[Tensor], before: list[Tensor]) -> list[Tensor]:
    added = []
    for x, partner in zip(maps, before[1:] + before[:1], strict=True):
        kept = _kept(x)
        up, left, right, down = partner[:, :kept].chunk(4, dim=1)
        shifted = [
            F.pad(up, (0, 0, 1, 0))[:, :, :-1],
            F.pad(left, (1, 0))[:, :, :, :-1],
            F.pad(right, (0, 1))[:, :, :, 1:],
            F.pad(down, (0, 0, 0, 1))[:, :, 1:],
        ]
        added.append(torch.cat([x[:, :kept] + torch.cat(shifted, dim=1), x[:, kept:]], dim=1))
    return added
