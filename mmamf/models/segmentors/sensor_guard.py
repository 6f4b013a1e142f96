import torch
from torch import Tensor, nn

from ..convs import BandedConv
from ..norms import ModalitySpecificNorm
from ..presence import presence_of

HINT = 'run tools/calibrate.py (mmamf calibrate), which writes a checkpoint that has them'


class SensorGuard(nn.Module):
    """Find the modalities of a sample whose sensor is broken, to be treated as absent.

    The first private batch norm of a network knows the mean and the variance of every channel of
    every modality over the training set. Before it, the modalities have exchanged nothing. A dead
    or constant sensor has hardly any variance there, and a noisy one has too much. The score of a
    modality has two parts. The first is the Kullback-Leibler divergence from the normal
    distribution of a sample's pixels to that of the training set, averaged over the channels. With
    means m and mu and variances v and s, it is
    ``(v / s + (m - mu) ** 2 / s - 1 - log(v / s)) / 2``. The second is the variance of
    ``log(v / s)`` over the channels: less light or contrast changes all channels alike, which is
    harmless, but noise changes some of them.

    A modality is caught if its score is above its threshold. If that would leave nothing of a
    sample, the modality with the smallest ratio of score and threshold stays.

    The thresholds are in the checkpoint. ``tools/calibrate.py`` takes them from clean validation
    images, at a stated rate of false alarms. A training step drops them.

    Args:
        num_modalities: Number of modalities M.

    Raises:
        ValueError: If the thresholds are not M positive numbers, there are none, or the backbone
            does not begin with a convolution and a private batch norm.
    """

    def __init__(self, num_modalities: int) -> None:
        super().__init__()
        self.num_modalities = num_modalities
        self.register_buffer('threshold', None)  # (M,); not in the state dict without calibration

    def rate(self, backbone: nn.Module, x: Tensor) -> tuple[Tensor, Tensor]:
        """Compute the scores, and tell which modalities are present.

        Args:
            backbone: The backbone of the network.
            x: Its input, without padding.

        Shape:
            - x: (N, M*C, H, W).
            - Output: (N, M) both; the score of an absent modality has no meaning.
        """
        stem, norm = find_stem(backbone)
        maps = backbone.batch.run(stem, x)
        presence = presence_of(maps)
        mean = maps.float().mean((2, 3))
        spread = (maps.float() - mean[:, :, None, None]).square().mean((2, 3)) + norm.eps
        # (N*M, C) -> (N, M, C)
        mean, spread = (
            part.view(-1, self.num_modalities, part.shape[1]) for part in (mean, spread)
        )
        known = norm.running_mean.view(self.num_modalities, -1)
        usual = norm.running_var.view(self.num_modalities, -1) + norm.eps
        ratio = spread / usual
        log = ratio.log()
        divergence = (ratio + (mean - known).square() / usual - 1 - log).mean(2) / 2
        scores = divergence + (log - log.mean(2, keepdim=True)).square().mean(2)
        if presence is None:
            presence = torch.ones_like(scores) > 0
        return scores, presence

    def forward(self, backbone: nn.Module, x: Tensor) -> tuple[Tensor, Tensor]:
        """Tell which modalities to use, and which are caught.

        Args:
            backbone: See :meth:`rate`.
            x: See :meth:`rate`.

        Shape:
            - Output: (N, M) both, bool.
        """
        self.check(backbone)
        scores, presence = self.rate(backbone, x)
        excess = scores / self.threshold
        ranked = torch.where(presence, excess, excess.max() + 1)
        best = ranked.argmin(1, keepdim=True) == torch.arange(len(self.threshold), device=x.device)
        trusted = presence & (excess <= 1)
        used = trusted | (best & ~trusted.any(1, keepdim=True) & presence)
        return used, presence & ~used

    def check_network(self, backbone: nn.Module) -> None:
        """Raise the error of a guard that cannot work with this network."""
        if self.num_modalities < 2:
            raise ValueError(
                'guard: expected at least 2 modalities, because a broken one is left out, got 1'
            )
        find_stem(backbone)

    def check(self, backbone: nn.Module) -> None:
        """Raise the error of a guard that cannot work with this network, or has no thresholds."""
        self.check_network(backbone)
        if self.threshold is None:
            raise ValueError(f'guard: expected a checkpoint with thresholds, got none: {HINT}')

    def calibrate(self, threshold: Tensor) -> None:
        """Use these thresholds from now on.

        Shape:
            - threshold: (M,).
        """
        if threshold.shape != (self.num_modalities,) or not (threshold > 0).all():
            raise ValueError(
                f'guard.threshold: expected {self.num_modalities} positive numbers, one for each '
                f'modality, got {threshold.tolist()}'
            )
        self.threshold = threshold.clone()

    def _load_from_state_dict(self, state_dict: dict, prefix: str, *args) -> None:
        found = state_dict.get(f'{prefix}threshold')
        self.threshold = None
        if found is not None:
            self.calibrate(found)
        super()._load_from_state_dict(state_dict, prefix, *args)


def find_stem(backbone: nn.Module) -> tuple[nn.Module, nn.Module]:
    """Find the convolution that reads the image, and the private batch norm behind it.

    Args:
        backbone: The backbone of a network.

    Raises:
        ValueError: If it does not begin so.
    """
    layers = (nn.Conv2d, BandedConv, ModalitySpecificNorm)
    found = [module for module in backbone.modules() if isinstance(module, layers)]
    norms = [module for module in found if isinstance(module, ModalitySpecificNorm)]
    norm = norms[0] if norms else None
    if getattr(norm, 'running_mean', None) is None or found[0] is norm:
        got = 'none' if norm is None else type(norm).__name__
        raise ValueError(
            f'guard: expected a backbone that begins with a convolution and a private batch norm, '
            f'whose statistics say what is normal, got {type(backbone).__name__} with {got} as its '
            'first private norm'
        )
    return found[0], norm
