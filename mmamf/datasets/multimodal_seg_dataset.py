import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from mmengine.logging import print_log
from mmengine.registry import DATASETS
from mmseg.datasets import BaseSegDataset

from mmamf.structures.modality import Modality, check_readable, read_modalities

from .adapt_pipeline import adapt_pipeline, walk_pipeline
from .check_classes import check_classes
from .check_color_order import check_color_order
from .described_modalities import check_given, check_indices, describe_names, merge_folders
from .sample_files import match_files
from .sample_list import read_list
from .sample_table import is_table, read_sample_table
from .transforms import LoadLabelMap, LoadMultimodalImages
from .transforms.load_label_map import IGNORE, read_ignore_index


@DATASETS.register_module()
class MultimodalSegDataset(BaseSegDataset):
    """Samples of registered images, one per modality, matched with their label map.

    Files are matched by name, or by a table. By name, every modality has its own folder.
    ``ann_file`` lists the samples: one file name per line, without suffix. Without it, every file
    of the first modality's folder is a sample, sub-folders included::

        data_root/rgb/a/0001.jpg  data_root/depth/a/0001.png  data_root/label/a/0001.png

    Upper and lower case of suffixes do not matter. Image files that no sample needs do no harm; the
    log names them. Building the data set fails if a file is missing or the list names a sample
    twice. The stock transforms of the pipeline, and of data sets that wrap this one, treat every
    modality as described, see :func:`adapt_pipeline`. Transforms that cannot are refused.

    An ``ann_file`` that ends in ``.csv`` is a table of the samples' files, see
    :func:`read_sample_table`. Each cell is a path below ``data_root``, or an absolute one. Folders
    and suffixes play no role then, and files of one sample may have different names::

        sample,rgb,depth,labels
        a/0001,camera/a/0001.jpg,kinect/a_1.png,truth/a_0001.png
        a/0002,camera/a/0002.png,,truth/a_0002.png

    A sample may lack files of ``optional`` modalities, as long as one modality remains. Their paths
    are None; a table has empty cells. An image of an optional modality without any reading also
    counts as absent. If there is no ``ann_file``, the first modality that is not optional gives the
    samples. If all are optional, the label maps give them. The folders of optional modalities must
    still exist.

    Args:
        modalities: A description of each modality, see :class:`Modality`, in the order of the
            model's channels. Or only the names; then :class:`LoadMultimodalImages` describes them.
            By default the names in ``MODALITIES`` of the class.
        data_prefix: Folder of the label maps as ``seg_map_path`` (by default ``LABEL_FOLDER`` of
            the class; optional with ``test_mode=True``), and folders of modalities that their
            descriptions do not name. All are relative to ``data_root``.
        img_suffix: Suffix of the images, or a dict of one per modality. Only for ``modalities``
            given as names.
        optional: Modalities that a sample may lack. Only for ``modalities`` given as names.
        **kwargs: Arguments of :class:`mmseg.datasets.BaseSegDataset`. ``metainfo`` with ``classes``
            is required if the class does not define its own.

    Raises:
        FileNotFoundError: If a folder, the annotation file or files of samples are missing.
        ValueError: If ``modalities``, ``data_prefix``, ``img_suffix``, ``optional`` or the classes
            are not usable, a modality is described twice or not at all, or ``pipeline`` has a
            transform that would damage a modality.
    """

    MODALITIES: tuple[str, ...] = ()
    LABEL_FOLDER = 'labels'

    def __init__(
        self,
        modalities: Sequence[dict | Modality | str] | None = None,
        data_prefix: dict[str, str] | None = None,
        img_suffix: str | dict[str, str] | None = None,
        optional: Sequence[str] | None = None,
        **kwargs,
    ) -> None:
        modalities = self.MODALITIES if modalities is None else modalities
        if data_prefix is None:
            data_prefix = dict(seg_map_path=self.LABEL_FOLDER)
        if not any(isinstance(modality, Mapping | Modality) for modality in modalities):
            modalities = describe_names(
                modalities, data_prefix, img_suffix or '.png', optional or ()
            )
        elif img_suffix is not None or optional is not None:
            raise ValueError(
                'img_suffix and optional belong to modalities given as names: expected suffix=... '
                'and optional=True in the descriptions, got the arguments '
                f'img_suffix={img_suffix!r} and optional={optional!r}'
            )
        self.descriptions = read_modalities(modalities)
        self.modalities = tuple(self.descriptions)
        self.optional = tuple(name for name, m in self.descriptions.items() if m.optional)
        self._is_table = is_table(kwargs.get('ann_file', ''))
        if not kwargs.get('test_mode', False) and not self._is_table:
            check_given('data_prefix', 'folder', data_prefix, ['seg_map_path'])
        check_classes(type(self), kwargs.get('metainfo'))
        read_ignore_index(kwargs.get('ignore_index', IGNORE))
        self.name_prefix = ''  # distinguishes its samples from those of data sets beside it
        self._cat_ids: dict[int, list[int]] = {}
        lazy_init = kwargs.pop('lazy_init', False)  # the files are checked against descriptions
        super().__init__(
            data_prefix=merge_folders(self.descriptions, data_prefix), lazy_init=True, **kwargs
        )
        self._complete_descriptions()
        adapt_pipeline(self.pipeline.transforms, self.descriptions)
        if not lazy_init:
            self.full_init()

    @classmethod
    def _load_metainfo(cls, metainfo: Mapping | None = None) -> dict:
        """Read a file of classes with :func:`read_list`.

        mmengine's reader would keep byte order marks and blank lines.
        """
        classes = (metainfo or {}).get('classes')
        if isinstance(classes, str):
            metainfo = dict(metainfo, classes=read_list(classes))
        return super()._load_metainfo(metainfo)

    def load_data_list(self) -> list[dict]:
        """List the samples, after a check that all their files exist."""
        samples = self._read_table() if self._is_table else self._match_files()
        check_indices(self._indices, len(samples))
        for name in self.optional:
            absent = sum(paths[name] is None for paths in samples.values())
            place = f'*{self.descriptions[name].suffix} in {self.data_prefix[name]}'
            print_log(
                f'{type(self).__name__}: {absent} of {len(samples)} samples lack {name!r}, '
                f'{self.ann_file if self._is_table else place}',
                logger='current',
                level=logging.WARNING if absent == len(samples) else logging.INFO,
            )
        return [self._data_info(i, *sample) for i, sample in enumerate(samples.items())]

    def _match_files(self) -> dict[str, dict[str, str | None]]:
        suffixes = {name: modality.suffix for name, modality in self.descriptions.items()}
        if 'seg_map_path' in self.data_prefix:
            suffixes['seg_map_path'] = self.seg_map_suffix
        return match_files(
            type(self).__name__,
            self.data_prefix,
            suffixes,
            self._names_in_ann_file() if self.ann_file else None,
            self.ann_file,
            self.backend_args,
            self.optional,
        )

    def _read_table(self) -> dict[str, dict[str, str | None]]:
        samples = read_sample_table(
            self.ann_file,
            self.data_root or '',
            self.modalities,
            self.optional,
            self.test_mode,
            self.backend_args,
        )
        for name, modality in self.descriptions.items():
            check_color_order(self.ann_file, modality, (paths[name] for paths in samples.values()))
        return samples

    def get_data_info(self, idx: int) -> dict:
        """Get the information on a sample, with ``name_prefix`` before its name."""
        info = super().get_data_info(idx)
        info['sample_name'] = self.name_prefix + info['sample_name']
        return info

    def get_cat_ids(self, idx: int) -> list[int]:
        """List the classes in a sample's label map, for mmengine's ClassBalancedDataset.

        ClassBalancedDataset asks twice for each sample, so the answer is cached.

        Raises:
            ValueError: If the sample has no label map.
        """
        if idx not in self._cat_ids:
            info = self.get_data_info(idx)
            if 'seg_map_path' not in info:
                raise ValueError(
                    f'get_cat_ids: expected a label map of the sample {info["sample_name"]!r}, got '
                    'none: give data_prefix.seg_map_path, the folder of the label maps'
                )
            load, *_ = [*self._find(LoadLabelMap), LoadLabelMap(backend_args=self.backend_args)]
            found = np.unique(load(info)['gt_seg_map'])
            self._cat_ids[idx] = [int(value) for value in found if value != IGNORE]
        return self._cat_ids[idx]

    def _data_info(self, index: int, name: str, paths: dict[str, str | None]) -> dict:
        labels = {key: paths.pop(key) for key in ['seg_map_path'] if key in paths}
        images = [path for path in paths.values() if path is not None]
        if not images:
            raise FileNotFoundError(
                f'{type(self).__name__}: expected a file of at least one of the modalities '
                f'{self.modalities} for each sample, got none for sample {index} of '
                f'{self.ann_file or self.data_root}, {labels.get("seg_map_path", "without label")}'
            )
        return dict(
            img_path=images[0],
            sample_name=name,
            modality_paths=paths,
            descriptions=self.descriptions,
            optional=self.optional,
            **labels,
            label_map=self.label_map,
            reduce_zero_label=self.reduce_zero_label,
            ignore_index=self.ignore_index,
            num_classes=len(self._metainfo['classes']),
            seg_fields=[],
        )

    def _complete_descriptions(self) -> None:
        """Take the descriptions from the loading transform, if only names were given."""
        given = {}
        for loader in self._find(LoadMultimodalImages):
            if loader.modalities is None:
                check_readable(self.descriptions.values())
                continue
            given = given or loader.modalities
            unknown = [name for name in self.modalities if name not in loader.modalities]
            if unknown:
                raise ValueError(
                    f'modalities of the data set: expected some of {tuple(loader.modalities)}, '
                    f'which LoadMultimodalImages describes, got {unknown}'
                )
            twice = [name for name, m in self.descriptions.items() if m.channels is not None]
            if twice:
                raise ValueError(
                    f'modalities {twice}: expected one description of each, got one in the data '
                    'set and one in LoadMultimodalImages: remove the one in LoadMultimodalImages'
                )
        for name, own in self.descriptions.items() if given else ():
            self.descriptions[name] = replace(
                given[name], folder=own.folder, suffix=own.suffix, optional=own.optional
            )

    def _find(self, kind: type) -> list:
        return [s for s in walk_pipeline(self.pipeline.transforms) if isinstance(s, kind)]

    def _names_in_ann_file(self) -> list[str]:
        return read_list(self.ann_file, self.backend_args)
