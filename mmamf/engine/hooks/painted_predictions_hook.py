from collections.abc import Sequence
from pathlib import Path
from typing import Any

import mmcv
from mmengine import fileio
from mmengine.registry import HOOKS
from mmengine.runner import Runner
from mmengine.structures import BaseDataElement
from mmseg.engine import SegVisualizationHook

from mmamf.evaluation.mask_files import MaskFiles


@HOOKS.register_module()
class PaintedPredictionsHook(SegVisualizationHook):
    """Saves a picture of every prediction of a test under the exact name of its sample.

    mmseg's hook uses only the file name, which may occur in several sub-folders. It also adds
    ``test_`` before the name and the iteration after it.

    Args:
        out_dir: Folder of the pictures. :class:`MaskFiles` gives their names.
        **kwargs: Arguments of :class:`mmseg.engine.SegVisualizationHook`.
    """

    def __init__(self, out_dir: str, **kwargs) -> None:
        super().__init__(**kwargs)
        self._files = MaskFiles(Path(out_dir))

    def after_test_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: Sequence[BaseDataElement] | None = None,
    ) -> None:
        """Save the pictures of a batch."""
        if not self.draw or not self.every_n_inner_iters(batch_idx, self.interval):
            return
        for sample in outputs or ():
            content = fileio.get(sample.img_path, backend_args=self.backend_args)
            image = mmcv.imfrombytes(content, channel_order='rgb')
            path = self._files.reserve(sample.metainfo)
            path.parent.mkdir(parents=True, exist_ok=True)
            self._visualizer.add_datasample(
                sample.img_path, image, data_sample=sample, out_file=str(path)
            )
