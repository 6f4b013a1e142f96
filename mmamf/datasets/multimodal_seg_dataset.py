import os.path as osp
import re
from collections.abc import Sequence

import mmengine
from mmengine import fileio
from mmengine.registry import DATASETS
from mmseg.datasets import BaseSegDataset

from .check_pipeline import check_pipeline

# 'modality_paths' and 'ensemble' mean something else already
RESERVED = ('paths', 'ensemble', 'img_path', 'seg_map_path')
SHOWN = 10


@DATASETS.register_module()
class MultimodalSegDataset(BaseSegDataset):
    """Samples of registered images, one per modality, matched with their label map by file name.

    Every modality has a folder of its own. The samples are those of ``ann_file`` (one file name
    without suffix per line) or else all files of the first modality's folder, sub-folders
    included::

        data_root/rgb/a/0001.jpg  data_root/depth/a/0001.png  data_root/label/a/0001.png

    Files that no sample needs do no harm; a missing one is refused when the data set is built. So
    are pipelines with stock transforms that would damage a modality.

    Args:
        modalities: Names of the modalities, in the order of the model's channels. A subset of the
            folders is fine.
        data_prefix: Folder of each modality and, as ``seg_map_path``, of the label maps (optional
            with ``test_mode=True``), relative to ``data_root``.
        img_suffix: Suffix of the images, or a dict of one per modality.
        **kwargs: Arguments of :class:`mmseg.datasets.BaseSegDataset`. ``metainfo`` with ``classes``
            is required where the class has none of its own.

    Raises:
        FileNotFoundError: If a folder, the annotation file or files of samples are missing.
        ValueError: If ``modalities``, ``data_prefix``, ``img_suffix`` or the classes are not
            usable, or ``pipeline`` has a transform that would damage a modality.
    """

    def __init__(
        self,
        modalities: Sequence[str],
        data_prefix: dict[str, str],
        img_suffix: str | dict[str, str] = '.png',
        **kwargs,
    ) -> None:
        self.modalities = _check_modalities(modalities)
        expected = [*self.modalities]
        if not kwargs.get('test_mode', False):
            expected.append('seg_map_path')
        for key in expected:
            if key not in data_prefix:
                raise ValueError(
                    f'data_prefix: expected a folder for each of {expected}, got none for {key!r} '
                    f'in {dict(data_prefix)}'
                )
            if isinstance(img_suffix, dict) and key not in (*img_suffix, 'seg_map_path'):
                raise ValueError(
                    f'img_suffix: expected a suffix for each of {self.modalities}, got none for '
                    f'{key!r} in {dict(img_suffix)}'
                )
        metainfo = {**self.METAINFO, **(kwargs.get('metainfo') or {})}
        if not metainfo.get('classes'):
            raise ValueError(
                f'{type(self).__name__}: expected metainfo=dict(classes=(...)), got no classes'
            )
        super().__init__(data_prefix=data_prefix, img_suffix=img_suffix, **kwargs)
        check_pipeline(self.pipeline.transforms, self.modalities)

    def load_data_list(self) -> list[dict]:
        """List the samples, after a check that every file of each is there."""
        suffixes = {name: self._suffix(name) for name in self.modalities}
        if 'seg_map_path' in self.data_prefix:
            suffixes['seg_map_path'] = self.seg_map_suffix
        stems = {key: self._stems(key, suffix) for key, suffix in suffixes.items()}
        first = self.modalities[0]
        if self.ann_file:
            names = self._names_in_ann_file()
        else:
            names = sorted(stems[first])
        if not names:
            raise FileNotFoundError(
                f'{type(self).__name__}: expected at least one sample, found no file '
                f'*{suffixes[first]} in {self.data_prefix[first]}'
                + (f' named by {self.ann_file}' if self.ann_file else '')
            )

        paths = {
            key: [osp.join(self.data_prefix[key], name + suffix) for name in names]
            for key, suffix in suffixes.items()
        }
        missing = [
            path
            for key in suffixes
            for name, path in zip(names, paths[key], strict=True)
            if name not in stems[key]
        ]
        if missing:
            listed = '\n  '.join(missing[:SHOWN])
            more = f'\n  and {len(missing) - SHOWN} more' if len(missing) > SHOWN else ''
            raise FileNotFoundError(
                f'{type(self).__name__}: expected {len(suffixes)} files for each of {len(names)} '
                f'samples, {len(missing)} are missing:\n  {listed}{more}'
            )
        return [self._data_info({key: paths[key][i] for key in paths}) for i in range(len(names))]

    def _data_info(self, paths: dict[str, str]) -> dict:
        labels = {key: paths.pop(key) for key in ['seg_map_path'] if key in paths}
        return dict(
            img_path=paths[self.modalities[0]],
            modality_paths=paths,
            **labels,
            label_map=self.label_map,
            reduce_zero_label=self.reduce_zero_label,
            num_classes=len(self._metainfo['classes']),
            seg_fields=[],
        )

    def _suffix(self, name: str) -> str:
        return self.img_suffix[name] if isinstance(self.img_suffix, dict) else self.img_suffix

    def _stems(self, key: str, suffix: str) -> set[str]:
        """Scan one folder for the names, without suffix, of its files."""
        folder = self.data_prefix[key]
        if not fileio.isdir(folder, backend_args=self.backend_args):
            raise FileNotFoundError(f'data_prefix: folder of {key!r} not found: {folder}')
        files = fileio.list_dir_or_file(
            folder, list_dir=False, suffix=suffix, recursive=True, backend_args=self.backend_args
        )
        return {file.removesuffix(suffix).replace(osp.sep, '/') for file in files}

    def _names_in_ann_file(self) -> list[str]:
        if not fileio.isfile(self.ann_file, backend_args=self.backend_args):
            raise FileNotFoundError(f'ann_file not found: {self.ann_file}')
        lines = mmengine.list_from_file(self.ann_file, backend_args=self.backend_args)
        return [line.strip() for line in lines if line.strip()]


def _check_modalities(modalities: Sequence[str]) -> tuple[str, ...]:
    names = () if isinstance(modalities, str) else tuple(modalities)
    if not names or len(set(names)) < len(names):
        raise ValueError(
            f'modalities: expected a non-empty sequence of distinct names, got {modalities!r}'
        )
    for name in names:
        if not isinstance(name, str) or not re.fullmatch('[A-Za-z][A-Za-z0-9_]*', name):
            raise ValueError(
                f'modalities: expected names of letters, digits and underscores, got {name!r}'
            )
        if name in RESERVED:
            raise ValueError(f'modalities: expected a name other than {RESERVED}, got {name!r}')
    return names
