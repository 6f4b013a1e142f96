"""Baselines of the benchmarks: the same networks, written in the usual way."""

from .loop_resnet import LoopResNet
from .loop_segmentor import LoopSegmentor
from .separate_networks import SeparateNetworks

__all__ = ['LoopResNet', 'LoopSegmentor', 'SeparateNetworks']
