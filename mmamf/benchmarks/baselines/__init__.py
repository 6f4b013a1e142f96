"""What the networks of this project are measured against: the same, written the obvious way."""

from .loop_resnet import LoopResNet
from .loop_segmentor import LoopSegmentor
from .separate_networks import SeparateNetworks

__all__ = ['LoopResNet', 'LoopSegmentor', 'SeparateNetworks']
