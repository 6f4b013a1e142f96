import os.path as osp
from collections import Counter
from collections.abc import Sequence

from mmengine.dataset import BaseDataset
from mmengine.registry import DATASETS

from .sample_files import SHOWN, check_given, check_names, match_files, read_list


@DATASETS.register_module()
class MultimodalTranslationDataset(BaseDataset):
    """Samples of registered images, some of them the input and one the target, matched by name.

    Every kind of image has a folder of its own. The samples are those of ``ann_file`` (one file
    name without suffix per line) or else all files of the first modality's folder, sub-folders
    included::

        data_root/rgb/a/0001.png  data_root/depth/a/0001.png  data_root/normal/a/0001.png

    Files that no sample needs do no harm; a missing one is refused when the data set is built.
    ``sample_name`` of a sample is the target's path below its folder, without suffix: ``a/0001``.

    Args:
        modalities: Names of the inputs, in the order of the model's channels.
        target: Name of the image to be predicted, none of the inputs.
        data_prefix: Folder of each modality and of the target, relative to ``data_root``. Further
            ones do no harm.
        img_suffix: Suffix of the files, or a dict of one per name.
        backend_args: Arguments of the mmengine file backend.
        **kwargs: Arguments of :class:`mmengine.dataset.BaseDataset`.

    Raises:
        FileNotFoundError: If a folder, the annotation file or files of samples are missing.
        ValueError: If the names, ``data_prefix`` or ``img_suffix`` are not usable, the target is
            among the inputs, or the annotation file names a sample twice.
    """

    def __init__(
        self,
        modalities: Sequence[str],
        target: str,
        data_prefix: dict[str, str],
        img_suffix: str | dict[str, str] = '.png',
        backend_args: dict | None = None,
        **kwargs,
    ) -> None:
        self.modalities = check_names(modalities)
        if target in self.modalities:
            raise ValueError(
                f'modalities: expected inputs other than the target {target!r}, got '
                f'{self.modalities}'
            )
        self.domains = check_names((*self.modalities, target))
        check_given('data_prefix', 'folder', data_prefix, self.domains)
        if isinstance(img_suffix, str):
            img_suffix = dict.fromkeys(self.domains, img_suffix)
        check_given('img_suffix', 'suffix', img_suffix, self.domains)
        self.target = target
        self.img_suffix = img_suffix
        self.backend_args = backend_args
        super().__init__(data_prefix=dict(data_prefix), **kwargs)

    def load_data_list(self) -> list[dict]:
        """List the samples, after a check that every file of each is there."""
        names = self._names_in_ann_file() if self.ann_file else None
        repeated = [name for name, times in Counter(names).items() if times > 1]
        if repeated:
            raise ValueError(
                f'{self.ann_file}: expected each sample once, got {len(repeated)} of them more '
                f'often: {repeated[:SHOWN]}'
            )
        files = match_files(
            type(self).__name__,
            self.data_prefix,
            {name: self.img_suffix[name] for name in self.domains},
            names,
            self.ann_file,
            self.backend_args,
        )
        return [
            dict(
                img_path=paths[self.modalities[0]],
                modality_paths=paths,  # the target's is the last
                modalities=self.modalities,
                target=self.target,
                sample_name=self._sample_name(paths[self.target]),
            )
            for paths in files
        ]

    def _sample_name(self, path: str) -> str:
        name = osp.relpath(path, self.data_prefix[self.target])
        return name.removesuffix(self.img_suffix[self.target])

    def _names_in_ann_file(self) -> list[str]:
        return read_list(self.ann_file, self.backend_args)
