from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
import torch.nn.functional as F
from mmengine.model import BaseModel, is_model_wrapper
from mmengine.optim import OptimWrapperDict
from mmengine.registry import MODELS
from mmengine.structures import BaseDataElement
from torch import Tensor, nn

from ...ensemble import ENSEMBLE, modality_names
from ..fit_model import fit_model
from ..fusions import fusion_losses


@MODELS.register_module()
class MultimodalPix2Pix(BaseModel):
    """Translate images of several modalities into one: by every modality, and by the ensemble.

    From `Learning Deep Multimodal Feature Representation with Asymmetric Multi-layer Fusion
    <https://arxiv.org/abs/2108.05009>`_ (ACM MM 2020), which builds on `pix2pix
    <https://arxiv.org/abs/1611.07004>`_. Every step first updates the discriminator, on real pairs
    and on detached outputs (mean of both terms). Then it updates the generator: for the output of
    every modality, the adversarial loss and ``pixel_loss_weight`` times L1; for the ensemble, the
    same L1. The generator computes the ensemble from detached outputs, so the ensemble's term
    trains alpha alone. Losses of fusion operators in the generator are added.

    mmagic's Pix2Pix translates between two named domains with one source each. This class shares
    its conventions (losses and their names, DataSample, one optimizer per network) but not its
    code: mmagic's ``init_weights`` and ``test_step`` fail, it tests in training mode, and in
    distributed training it bypasses the wrappers that synchronize gradients. For distributed
    training, the config needs ``model_wrapper_cfg=dict(type='GANDistributedDataParallel')``. While
    gradients accumulate, the generator's losses use the discriminator of the current iteration.

    Every predicted sample has ``fake_img`` (the ensemble), ``fake_img_<name>`` and
    ``source_<name>`` for every modality, and ``gt_img`` if there is a truth. Each is (3, H, W),
    RGB, 0..255, on the CPU.

    Args:
        generator: Config of a network ``generator(source, return_all=True) -> (outputs,
            ensemble)`` with an attribute ``num_modalities``.
        discriminator: Config of a network ``discriminator(source, outputs) -> logits``.
        data_preprocessor: Config of the MultimodalTranslationDataPreprocessor. If it describes
            modalities, ``num_modalities`` of the networks is filled in.
        pixel_loss_weight: Weight of L1, in units of -1..1.
        init_cfg: Initialization config.

    Shape:
        - Input: (N, M*3, H, W), the modalities stacked along channels, -1..1.
        - Outputs of the generator: (N, M, 3, H, W) and (N, 3, H, W), -1..1.
        - Output of the discriminator: (N, M, 1, h, w), without sigmoid.

    Raises:
        ValueError: If the two networks do not have one optimizer each, samples have another number
            of modalities than the generator, or a checkpoint has no generator.
    """

    def __init__(
        self,
        generator: dict,
        discriminator: dict,
        data_preprocessor: dict,
        pixel_loss_weight: float = 100,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(data_preprocessor, init_cfg)
        parts = fit_model(
            dict(
                data_preprocessor=data_preprocessor,
                generator=generator,
                discriminator=discriminator,
            )
        )
        self.generator = MODELS.build(parts['generator'])
        self.discriminator = MODELS.build(parts['discriminator'])
        self.num_modalities = self.generator.num_modalities
        self.pixel_loss_weight = pixel_loss_weight

    def forward(
        self,
        inputs: Tensor,
        data_samples: list[BaseDataElement] | None = None,
        mode: str = 'tensor',
    ) -> Tensor | list[BaseDataElement]:
        """Translate the sources.

        Args:
            inputs: The preprocessed sources.
            data_samples: Their data samples, with the names of the modalities.
            mode: 'tensor' for the ensemble in -1..1, 'predict' for samples.
        """
        if mode not in ('tensor', 'predict'):
            raise ValueError(
                f"MultimodalPix2Pix: expected mode 'tensor' or 'predict', got {mode!r}; to train "
                'it, call train_step, which updates the two networks in turn'
            )
        outputs, ensemble = self.generator(inputs, return_all=True)
        return ensemble if mode == 'tensor' else self._pack(inputs, outputs, ensemble, data_samples)

    def train_step(
        self,
        data: dict,
        optim_wrapper: OptimWrapperDict,
        networks: dict[str, nn.Module] | None = None,
    ) -> dict[str, Tensor]:
        """Update the discriminator, then the generator.

        Args:
            data: A collated batch.
            optim_wrapper: The optimizers 'generator' and 'discriminator'.
            networks: Wrapped networks to call instead, from GANDistributedDataParallel.

        Returns:
            Losses to log; ``loss`` is the generator's.
        """
        if not isinstance(optim_wrapper, OptimWrapperDict) or set(optim_wrapper.keys()) != {
            'generator',
            'discriminator',
        }:
            raise ValueError(
                'optim_wrapper: expected one optimizer for each network, as of dict(constructor='
                "'MultiOptimWrapperConstructor', generator=dict(...), discriminator=dict(...)), "
                f'got {optim_wrapper}'
            )
        generator, discriminator = self._choose_networks(networks)
        data = self.data_preprocessor(data, True)
        source, samples = data['inputs'], data['data_samples']
        names = self.modality_names(samples)
        target = self.data_preprocessor.normalize(torch.stack([s.gt_img for s in samples]))

        with optim_wrapper['generator'].optim_context(generator):
            outputs, ensemble = generator(source, return_all=True)
        with optim_wrapper['discriminator'].optim_context(discriminator):
            losses = self._discriminator_losses(discriminator, source, outputs.detach(), target)
        loss, discriminator_log = self.parse_losses(losses)
        optim_wrapper['discriminator'].update_params(0.5 * loss)

        with optim_wrapper['generator'].optim_context(generator):
            losses = self._generator_losses(source, outputs, ensemble, target, names)
        loss, generator_log = self.parse_losses(losses)
        optim_wrapper['generator'].update_params(loss)
        return {**discriminator_log, **generator_log}

    def modality_names(self, data_samples: Sequence[BaseDataElement] | None) -> tuple[str, ...]:
        """Read the names of the modalities from the samples; without names, number them."""
        metas = [sample.metainfo for sample in data_samples or ()] or [{}]
        found = {modality_names(meta, self.num_modalities) for meta in metas}
        if len(found) > 1:
            raise ValueError(f'expected the same modalities in every sample, got {sorted(found)}')
        return found.pop()

    def _choose_networks(self, networks: dict[str, nn.Module] | None) -> tuple[nn.Module, ...]:
        own = dict(generator=self.generator, discriminator=self.discriminator)
        if any(is_model_wrapper(network) for network in own.values()):
            raise ValueError(
                "model_wrapper_cfg: expected dict(type='GANDistributedDataParallel'), got networks "
                'that were wrapped one by one, whose checkpoints could not be loaded'
            )
        return tuple((own | (networks or {})).values())

    def _discriminator_losses(
        self, discriminator: nn.Module, source: Tensor, fake: Tensor, target: Tensor
    ) -> dict:
        """Compute the losses, summed over the modalities."""
        real = target.unsqueeze(1).expand_as(fake)
        return dict(
            loss_gan_d_fake=_adversarial_losses(discriminator(source, fake), 0).sum(),
            loss_gan_d_real=_adversarial_losses(discriminator(source, real), 1).sum(),
        )

    def _generator_losses(
        self,
        source: Tensor,
        outputs: Tensor,
        ensemble: Tensor,
        target: Tensor,
        names: Sequence[str],
    ) -> dict:
        with _frozen(self.discriminator):  # so its gradients need no synchronization
            adversarial = _adversarial_losses(self.discriminator(source, outputs), 1)
        losses = {}
        for name, output, loss in zip(names, outputs.unbind(1), adversarial):
            losses[f'{name}.loss_gan_g'] = loss
            losses[f'{name}.loss_pixel'] = self.pixel_loss_weight * _l1(output, target)
        losses[f'{ENSEMBLE}.loss_pixel'] = self.pixel_loss_weight * _l1(ensemble, target)
        return losses | fusion_losses(self.generator)

    def _pack(
        self,
        inputs: Tensor,
        outputs: Tensor,
        ensemble: Tensor,
        data_samples: list[BaseDataElement] | None,
    ) -> list[BaseDataElement]:
        names = self.modality_names(data_samples)
        sources = inputs.unflatten(1, (self.num_modalities, -1))  # (N, M, 3, H, W)
        sources, outputs, ensemble = (
            self.data_preprocessor.destruct(images).cpu() for images in (sources, outputs, ensemble)
        )
        results = []
        # imported here, because only translation needs mmagic, which takes seconds to import
        from mmagic.structures import DataSample

        for i, sample in enumerate(data_samples or [DataSample() for _ in inputs]):
            result = DataSample(metainfo=sample.metainfo, fake_img=ensemble[i])
            for m, name in enumerate(names):
                result.set_data(
                    {f'fake_img_{name}': outputs[i, m], f'source_{name}': sources[i, m]}
                )
            if 'gt_img' in sample:
                result.gt_img = sample.gt_img.cpu()
            results.append(result)
        return results

    def _load_from_state_dict(self, state_dict: dict, prefix: str, *args) -> None:
        # mmengine's loader would only log it, and continue with random weights.
        part = f'{prefix}generator.'
        if not any(key.startswith(part) for key in state_dict):
            raise ValueError(
                f'expected a checkpoint of this model, with entries {part}*, got one without '
                f'any (first keys: {list(state_dict)[:3]}); a checkpoint of the authors is '
                'converted with tools/convert_checkpoint.py'
            )
        super()._load_from_state_dict(state_dict, prefix, *args)


def _adversarial_losses(logits: Tensor, label: float) -> Tensor:
    """Binary cross entropy of every modality: (N, M, 1, h, w) -> (M)."""
    losses = F.binary_cross_entropy_with_logits(
        logits, torch.full_like(logits, label), reduction='none'
    )
    return losses.mean((0, 2, 3, 4))


def _l1(image: Tensor, target: Tensor) -> Tensor:
    return F.l1_loss(image.to(target.dtype), target)


@contextmanager
def _frozen(network: nn.Module) -> Iterator[None]:
    """Compute no gradients for the parameters, because this step does not update them."""
    trained = [parameter for parameter in network.parameters() if parameter.requires_grad]
    for parameter in trained:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in trained:
            parameter.requires_grad_(True)
