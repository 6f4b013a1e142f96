from typing import Any

from mmengine.device import get_device
from mmengine.model import MMDistributedDataParallel, MMSeparateDistributedDataParallel
from mmengine.optim import OptimWrapperDict
from mmengine.registry import MODEL_WRAPPERS
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel


@MODEL_WRAPPERS.register_module()
class GANDistributedDataParallel(MMSeparateDistributedDataParallel):
    """Train the networks of a GAN in several processes, without a change to the GAN itself.

    mmengine's MMSeparateDistributedDataParallel puts a wrapper in the place of each network. The
    runner then saves weights as `generator.module.*`, of which nothing is found when they are
    loaded: a resumed training starts from scratch, and a test takes random weights, with no more
    than a line in the log. Here the wrappers stay outside and are handed to
    ``train_step(data, optim_wrapper, networks)``, so that checkpoints, averaged weights and
    optimizers see the model as in a single process. Each process keeps its own running statistics;
    those of rank 0 are saved.

    Args:
        module: The GAN. Each of its parts which has something to train is a network.
        broadcast_buffers: Give all processes the buffers of rank 0 at every forward pass, running
            statistics among them.
        **kwargs: Further arguments of mmengine's MMDistributedDataParallel, for each network.
    """

    def __init__(self, module: nn.Module, broadcast_buffers: bool = False, **kwargs: Any) -> None:
        super(DistributedDataParallel, self).__init__()  # nn.Module's, as the parent does
        self.module = module.to(get_device())
        self._networks = {  # not modules of this one
            name: MMDistributedDataParallel(
                module=part, broadcast_buffers=broadcast_buffers, **kwargs
            )
            for name, part in module.named_children()
            if any(parameter.requires_grad for parameter in part.parameters())
        }

    def train_step(self, data: dict, optim_wrapper: OptimWrapperDict) -> dict[str, Tensor]:
        """Let the GAN train, and call its networks through what synchronizes their gradients.

        Args:
            data: A collated batch.
            optim_wrapper: The optimizers.
        """
        return self.module.train_step(data, optim_wrapper, self._networks)
