from torch import Tensor, nn

from .fusion_operator import FusionOperator, sum_losses


def fusion_losses(model: nn.Module) -> dict[str, Tensor]:
    """Collect the losses that fusion operators kept in the last training forward, and clear them.

    MultimodalSegmentor and MultimodalPix2Pix add them to their own losses. With reentrant
    activation checkpointing, an operator's first pass has no gradients, so it would keep no loss.

    Args:
        model: The network, or a part of it, with the operators inside.

    Returns:
        Sums over the fusion points, with keys such as ``fusion.loss_align``; empty if no operator
        has a loss.
    """
    operators = [module for module in model.modules() if isinstance(module, FusionOperator)]
    losses = sum_losses(operator.pop_losses() for operator in operators)
    return {f'fusion.{name}': loss for name, loss in losses.items()}
