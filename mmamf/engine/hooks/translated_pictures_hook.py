from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmengine.hooks import Hook
from mmengine.registry import HOOKS
from mmengine.runner import Runner
from mmengine.structures import BaseDataElement
from PIL import Image

from mmamf.visualization import picture_of


@HOOKS.register_module()
class TranslatedPicturesHook(Hook):
    """Saves every output picture of the ensemble in a test, as PNG under the name of the sample.

    The name is the ``sample_name`` of MultimodalTranslationDataset, sub-folders included. Without
    one, it is the file name of the truth.

    Args:
        out_dir: Folder of the pictures.

    Raises:
        ValueError: If two samples of the test set have the same name.
    """

    def __init__(self, out_dir: str) -> None:
        self.out_dir = out_dir
        self._truths: dict[str, str] = {}

    def before_test_epoch(self, runner: Runner) -> None:
        """Make the directory."""
        self._truths = {}
        Path(self.out_dir).mkdir(parents=True, exist_ok=True)

    def after_test_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: Sequence[BaseDataElement] | None = None,
    ) -> None:
        """Save the pictures of a batch."""
        for sample in outputs or ():
            truth = sample.metainfo['target_path']
            name = sample.metainfo.get('sample_name', Path(truth).stem)
            if self._truths.setdefault(name, truth) != truth:
                raise ValueError(
                    f'{self.out_dir}: expected samples with distinct names, but {truth} and '
                    f'{self._truths[name]} would both be saved as {name}.png'
                )
            path = Path(self.out_dir, f'{name}.png')
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(picture_of(sample.fake_img)).save(path)
