from pathlib import Path
from typing import Any

import torch
from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.registry import HOOKS
from mmengine.runner import Runner
from torch import nn

from mmamf.engine.bare_model import bare_model
from mmamf.engine.crossing_energy import CrossingEnergy
from mmamf.engine.gradient_agreement import GradientAgreement
from mmamf.ensemble import modality_names
from mmamf.models.decode_heads import ModalityEnsembleHead
from mmamf.models.generators import SharedMultimodalUnetGenerator
from mmamf.models.norms import ModalitySpecificNorm


@HOOKS.register_module()
class FusionDiagnosisHook(Hook):
    """Logs how the modalities diverge, agree and exchange, and draws it at the end.

    It logs these scalars:

    - ``fusion/alpha/<modality>``: weight of the modality in the ensemble, softmax(alpha).
    - ``fusion/divergence/<layer>`` for every layer with private norms: mean |gamma_a - gamma_b|
      over channels and pairs of modalities, divided by the mean |gamma|. Scales that start at zero,
      such as the last ones of a residual block, have nothing in common at first. Their divergence
      begins near 1.
    - ``fusion/share/<operator>/enter`` and ``.../leave``: share of the energy that crosses
      modalities there, see :class:`~mmamf.engine.crossing_energy.CrossingEnergy`.
    - ``fusion/agreement/<layer>`` for every shared convolution: the cosine between the gradients of
      the modalities, see :class:`~mmamf.engine.gradient_agreement.GradientAgreement`.

    Alpha and divergence are read from the weights in training, and the agreement from the gradients
    of the same iterations. The shares are measured on the first batch of each validation, with the
    validated weights. The hook adds no forward pass to training, and training draws the same random
    numbers as without it. After training,
    ``fusion_diagnosis.png`` in the work dir shows all scalars, also those from before a resumption.

    Args:
        interval: Number of iterations between two records of alpha, divergence and agreement.

    Raises:
        ValueError: If ``interval`` is not positive.
    """

    file_name = 'fusion_diagnosis.png'

    def __init__(self, interval: int = 50) -> None:
        if interval < 1:
            raise ValueError(f'interval: expected at least 1, got {interval}')
        self.interval = interval
        self._crossing: CrossingEnergy | None = None
        self._agreement: GradientAgreement | None = None

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict | None = None
    ) -> None:
        """Record alpha and divergence at the start of training; start measuring gradients."""
        if runner.iter == 0:
            self._log_weights(runner, 0, data_batch)
        if self._is_due(runner) and is_main_process():
            self._agreement = GradientAgreement(bare_model(runner.model))
            self._agreement.start()

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: dict | None = None,
        outputs: dict | None = None,
    ) -> None:
        """Record alpha, divergence and agreement."""
        if self._is_due(runner):
            self._log_weights(runner, runner.iter + 1, data_batch)
        if self._agreement is not None:
            found = self._agreement.stop()
            self._agreement = None
            _log(runner, runner.iter + 1, {f'agreement/{name}': v for name, v in found.items()})

    def before_val_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict | None = None
    ) -> None:
        """Start measuring at the first batch."""
        if batch_idx == 0 and is_main_process():
            self._crossing = CrossingEnergy(bare_model(runner.model))
            self._crossing.start()

    def after_val_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: dict | None = None,
        outputs: Any = None,
    ) -> None:
        """Record the shares."""
        if self._crossing is not None:
            shares = self._crossing.stop()
            self._crossing = None
            _log(runner, runner.iter, {f'share/{point}': value for point, value in shares.items()})

    def after_train(self, runner: Runner) -> None:
        """Draw the figure."""
        if not is_main_process():
            return
        from mmamf.visualization import plot_fusion_diagnosis  # imports all of matplotlib

        path = Path(runner.work_dir, self.file_name)
        try:
            plot_fusion_diagnosis(runner.work_dir, path)
        except (FileNotFoundError, ValueError) as error:
            runner.logger.warning(f'No {self.file_name}: {error}')
        else:
            runner.logger.info(f'Diagnosis of the fusion: {path}')

    def _is_due(self, runner: Runner) -> bool:
        return self.every_n_train_iters(runner, self.interval) or self.is_last_train_iter(runner)

    def _log_weights(self, runner: Runner, step: int, data_batch: dict | None) -> None:
        if is_main_process():
            model = bare_model(runner.model)
            _log(runner, step, _ensemble_weights(model, data_batch) | _divergences(model))


def _log(runner: Runner, step: int, scalars: dict[str, float]) -> None:
    """Log scalars in the same place as the losses."""
    if scalars:
        scalars = {f'fusion/{name}': value for name, value in scalars.items()}
        # 'iter' marks the step as an iteration; the step of a validation may be an epoch
        runner.visualizer.add_scalars({**scalars, 'iter': step}, step=step)


def _ensemble_weights(model: nn.Module, data_batch: dict | None) -> dict[str, float]:
    """Read the weights of the first ensemble. An auxiliary head would have a second one."""
    for module in model.modules():
        if isinstance(module, ModalityEnsembleHead | SharedMultimodalUnetGenerator):
            weights = module.alpha.detach().softmax(0).tolist()
            samples = (data_batch or {}).get('data_samples') or [None]
            names = modality_names(getattr(samples[0], 'metainfo', {}), len(weights))
            return {f'alpha/{name}': weight for name, weight in zip(names, weights)}
    return {}


def _divergences(model: nn.Module) -> dict[str, float]:
    """Compare the private scales of every layer."""
    found = {}
    for name, module in model.named_modules():
        if isinstance(module, ModalitySpecificNorm) and module.num_modalities > 1:
            scales = module.state_dict().get('weight')  # None if not affine
            if scales is not None:
                scales = scales.float().unflatten(0, (module.num_modalities, -1))  # (M, C)
                apart = torch.pdist(scales, p=1).mean() / scales.shape[1]
                # scales that start at zero are not apart
                found[f'divergence/{name}'] = apart / scales.abs().mean().clamp(min=1e-12)
    return dict(zip(found, torch.stack(list(found.values())).tolist())) if found else {}
