from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from mmcv.transforms import LoadAnnotations
from mmengine.config import Config
from mmengine.dataset import Compose, pseudo_collate
from mmengine.device import get_device
from mmengine.logging import print_log
from mmengine.registry import DefaultScope
from mmengine.utils import import_modules_from_strings

from mmamf.datasets.nested_datasets import build_lazily, find_descriptions, find_loading
from mmamf.deployment import check_class_count, fix_random_bases, load_segmentor
from mmamf.ensemble import ENSEMBLE, LEFT_OUT, PROBABILITIES, class_probabilities
from mmamf.models import MultimodalSegmentor
from mmamf.models.data_preprocessors import MultimodalSegDataPreprocessor
from mmamf.weights import read_checkpoint, read_embedded_config


class CheckpointSegmentor:
    """A trained segmentation model with the test pipeline of its config, without the labels.

    Every call predicts the same, because :func:`fix_random_bases` fixes heads with random bases.

    Args:
        checkpoint: File of the weights.
        config: The config of the training, or its file. By default, the config that mmengine wrote
            into the checkpoint. That config is only read as data, but the modules in its
            ``custom_imports`` are imported. A Python file is run.
        device: Device of the model; by default the GPU if there is one.
        allow_different_config: Whether a ``config`` that contradicts the one in the checkpoint
            gives a warning instead of an error.
        guard: Whether a modality whose sensor is broken counts as absent, see
            :class:`SensorGuard`, also if the config does not say so.

    Raises:
        FileNotFoundError: If the checkpoint does not exist.
        ValueError: If there is no config; if the config is not for multimodal segmentation, has too
            many classes, or contradicts the one in the checkpoint; if the weights do not fit the
            model or are not finite; if the device is not available; if the guard cannot work.
    """

    def __init__(
        self,
        checkpoint: str | Path,
        config: str | Path | Config | None = None,
        device: str | None = None,
        allow_different_config: bool = False,
        guard: bool = False,
    ) -> None:
        if config is None:
            config = _config_inside(checkpoint)
        elif not isinstance(config, Config):
            config = Config.fromfile(config)
        with DefaultScope.overwrite_default_scope(config.get('default_scope') or 'mmseg'):
            self._read_dataset(config)
        self.model = load_segmentor(config, checkpoint, allow_different_config)
        fix_random_bases(self.model)
        if guard and not isinstance(self.model, MultimodalSegmentor):
            raise ValueError(
                f'guard: expected a MultimodalSegmentor, got {type(self.model).__name__}'
            )
        if guard:
            self.model.test_cfg.guard = True
        self.is_guarded = getattr(self.model, 'is_guarded', False)
        if self.is_guarded:
            self.model.guard.check(self.model.backbone)
        try:
            self.model.to(device or get_device())
        except (AssertionError, RuntimeError) as error:  # AssertionError: a torch without CUDA
            raise ValueError(
                f'device: expected one of this computer, got {device!r}: {error}'
            ) from error
        preprocessor = self.model.data_preprocessor
        if not isinstance(preprocessor, MultimodalSegDataPreprocessor):
            raise ValueError(
                'config: expected model.data_preprocessor to be a MultimodalSegDataPreprocessor, '
                f'got {type(preprocessor).__name__}'
            )
        self.modalities = preprocessor.modalities

    @property
    def threshold(self) -> float | None:
        """The probability above which a pixel has the second class, see :class:`Segmentor`."""
        head = self.model.decode_head
        return head.threshold if head.out_channels == 1 else None

    def _read_dataset(self, config: Config) -> None:
        if config.get('test_dataloader') is None:
            raise ValueError('config: expected a test_dataloader with the test pipeline, got none')
        dataset = build_lazily(config.test_dataloader.dataset)
        if find_loading(dataset) is None:
            raise ValueError(
                'config: expected test_dataloader.dataset.pipeline with LoadMultimodalImages, got '
                'one without; if the model is a translator, use mmamf.apis.translate'
            )
        steps = dataset.pipeline.transforms
        self.pipeline = Compose([step for step in steps if not isinstance(step, LoadAnnotations)])
        self.descriptions = find_descriptions(dataset)
        self.classes = tuple(dataset.metainfo['classes'])
        check_class_count(len(self.classes))
        self.palette = [tuple(color) for color in dataset.metainfo['palette']]

    @torch.no_grad()
    def predict(self, data: Sequence[dict], return_probabilities: bool = False) -> list[dict]:
        """Predict label maps of each sample, for the ensemble and for every modality it has.

        Args:
            data: Samples from the pipeline, all of one image size.
            return_probabilities: Whether to add the probabilities of the classes, as
                ``probabilities=dict(ensemble=..., <modality>=...)``. With guard, ``left_out`` has
                the names of the modalities whose sensor is broken.

        Shape:
            - Label maps: (H, W), uint8, in the size of the file.
            - Probabilities: (K, H, W), float32.
        """
        predicted = []
        for sample in self.model.test_step(pseudo_collate(data)):
            ends = {ENSEMBLE: ''} | {name: f'_{name}' for name in self.modalities}
            ends = {source: e for source, e in ends.items() if f'pred_sem_seg{e}' in sample}
            labels = {source: sample.get(f'pred_sem_seg{e}').data[0] for source, e in ends.items()}
            maps = {source: part.cpu().numpy().astype(np.uint8) for source, part in labels.items()}
            if return_probabilities:
                logits = {source: sample.get(f'seg_logits{e}').data for source, e in ends.items()}
                maps[PROBABILITIES] = {
                    source: class_probabilities(part.float()).cpu().numpy()
                    for source, part in logits.items()
                }
            if self.is_guarded:
                maps[LEFT_OUT] = sample.metainfo[LEFT_OUT]
            predicted.append(maps)
        return predicted

    @torch.no_grad()
    def predict_scores(self, data: Sequence[dict]) -> list[np.ndarray]:
        """Predict the scores of the classes of each sample, for the ensemble.

        The class of a pixel is the one with the highest score. Scores are probabilities. If the
        network has one output for two classes, they are its threshold and its probability.

        Args:
            data: Samples from the pipeline, all of one image size.

        Shape:
            (K, H, W), float32, in the size of the file.
        """
        scores = []
        for sample in self.model.test_step(pseudo_collate(data)):
            logits = sample.seg_logits.data.float()
            if len(logits) == 1:  # mmseg has already applied the sigmoid
                threshold = torch.full_like(logits, self.threshold)
                scores.append(torch.cat([threshold, logits]).cpu().numpy())
            else:
                scores.append(logits.softmax(0).cpu().numpy())
        return scores


def _config_inside(checkpoint: str | Path) -> Config:
    try:
        config = read_embedded_config(read_checkpoint(checkpoint))
    except ValueError as error:
        if str(error).startswith(str(checkpoint)):
            raise
        raise ValueError(f'{checkpoint}: {error}; pass the config') from error
    if config is None:
        raise ValueError(
            f'{checkpoint}: expected a checkpoint with the config of its training, as mmengine '
            'writes it, got one without; pass the config'
        )
    imports = config.get('custom_imports') or {}
    names = imports.get('imports') or ()
    more = [name for name in ([names] if isinstance(names, str) else names) if name != 'mmamf']
    imported = f' It imports {", ".join(more)}.' if more else ''
    print_log(
        f'{checkpoint}: the config is read from the checkpoint, as data. Pass --config FILE (in '
        f'Python: config=...) to use another.{imported}',
        logger='current',
    )
    if imports:
        import_modules_from_strings(**imports)
    return Config(config)
