from . import hooks, layer_decay
from .atomic_local_backend import AtomicLocalBackend
from .bfloat16_optim_wrapper import Bfloat16OptimWrapper
from .gan_distributed_data_parallel import GANDistributedDataParallel
from .staged_lr import StagedLR

__all__ = [
    'AtomicLocalBackend',
    'Bfloat16OptimWrapper',
    'GANDistributedDataParallel',
    'StagedLR',
    'hooks',
    'layer_decay',
]
