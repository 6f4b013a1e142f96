from typing import Any

from mmengine.device import get_device
from mmengine.model import MMDistributedDataParallel, MMSeparateDistributedDataParallel
from mmengine.optim import OptimWrapperDict
from mmengine.registry import MODEL_WRAPPERS
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel


@MODEL_WRAPPERS.register_module()
class GANDistributedDataParallel(MMSeparateDistributedDataParallel):
    """Trains the networks of a GAN in several processes, without changing the GAN itself.

    mmengine's MMSeparateDistributedDataParallel replaces each network by a wrapper. The runner then
    saves weights as `generator.module.*`, names that the model does not have when they are loaded.
    A resumed training would start from scratch, and a test would use random weights. Here the
    wrappers stay outside the model and are passed to ``train_step(data, optim_wrapper, networks)``.
    So checkpoints, averaged weights and optimizers see the model as in a single process. Each
    process keeps its own running statistics; those of rank 0 are saved.

    Args:
        module: The GAN. Each of its children with trainable parameters is a network.
        broadcast_buffers: Whether all processes get the buffers of rank 0, including running
            statistics, at every forward pass.
        **kwargs: Further arguments of mmengine's MMDistributedDataParallel, for each network.
    """

    def __init__(self, module: nn.Module, broadcast_buffers: bool = False, **kwargs: Any) -> None:
        super(DistributedDataParallel, self).__init__()  # calls nn.Module's, like the parent
        self.module = module.to(get_device())
        self._networks = {  # a dict, so that they are not registered as submodules
            name: MMDistributedDataParallel(
                module=part, broadcast_buffers=broadcast_buffers, **kwargs
            )
            for name, part in module.named_children()
            if any(parameter.requires_grad for parameter in part.parameters())
        }

    def train_step(self, data: dict, optim_wrapper: OptimWrapperDict) -> dict[str, Tensor]:
        """Train the GAN for one step, through wrappers that synchronize its networks' gradients."""
        return self.module.train_step(data, optim_wrapper, self._networks)
