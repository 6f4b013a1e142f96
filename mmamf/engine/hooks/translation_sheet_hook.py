from pathlib import Path
from typing import Any

from mmengine.registry import HOOKS
from mmengine.structures import BaseDataElement

from mmamf.ensemble import ENSEMBLE
from mmamf.visualization import PredictionSheet, picture_of

from .sheet_hook import SheetHook


@HOOKS.register_module()
class TranslationSheetHook(SheetHook):
    """Draws ``translation_sheet.png`` after a test: inputs, outputs, ensemble and truth.

    The sheet has a row per sample. Its columns are the inputs as the network sees them, the output
    of each modality, the ensemble, and the truth if there is one. With a single modality, output
    and ensemble are equal and share a column.

    Its arguments are those of :class:`SheetHook`.
    """

    file_name = 'translation_sheet.png'

    def begin_sheet(self, dataset: Any) -> PredictionSheet:
        """Make a sheet without classes."""
        return PredictionSheet(classes=(), palette=())

    def add_sample(self, sample: BaseDataElement) -> None:
        """Add inputs, outputs, ensemble and truth of a sample."""
        names = sample.metainfo['modalities']
        columns = {name: f'source_{name}' for name in names}
        if len(names) > 1:
            columns |= {f'from {name}': f'fake_img_{name}' for name in names}
        columns[ENSEMBLE if len(names) > 1 else 'output'] = 'fake_img'
        if 'gt_img' in sample:
            columns['truth'] = 'gt_img'
        self.sheet.add_row(
            Path(sample.metainfo['img_path']).stem,
            {heading: picture_of(sample.get(key)) for heading, key in columns.items()},
        )
