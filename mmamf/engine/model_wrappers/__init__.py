from .gan_distributed_data_parallel import GANDistributedDataParallel

__all__ = ['GANDistributedDataParallel']
