from collections.abc import Sequence
from typing import Any

from mmengine.hooks import Hook
from mmengine.registry import HOOKS
from mmengine.runner import Runner
from mmengine.structures import BaseDataElement

from mmamf.deployment.class_count import check_class_count
from mmamf.evaluation.mask_files import MaskFiles


@HOOKS.register_module()
class PredictedMasksHook(Hook):
    """Saves every label map that the ensemble predicts in a test, with :class:`MaskFiles`.

    ``tools/test.py --out`` adds it, so that masks do not depend on the metrics of the test.

    Args:
        out_dir: Folder of the masks.
    """

    def __init__(self, out_dir: str) -> None:
        self.out_dir = out_dir

    def before_test_epoch(self, runner: Runner) -> None:
        """Check before the test that every sample has a unique name.

        Raises:
            ValueError: If two samples have the same name, or there are too many classes.
        """
        dataset = runner.test_dataloader.dataset
        self._num_classes = len(dataset.metainfo['classes'])
        check_class_count(self._num_classes)
        self._files = MaskFiles(self.out_dir)
        if hasattr(dataset, 'get_data_info'):  # mmengine's; other data sets are checked later
            for index in range(len(dataset)):
                self._files.reserve(dataset.get_data_info(index))

    def after_test_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: Sequence[BaseDataElement] | None = None,
    ) -> None:
        """Save the predictions of a batch."""
        for sample in outputs or ():
            self._files.write(sample.to_dict(), self._num_classes)
