from collections.abc import Sequence

from mmengine.dataset import BaseDataset
from mmengine.registry import DATASETS

from .sample_files import check_given, check_names, match_files
from .sample_list import read_list


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
        self.name_prefix = ''  # what tells its samples from those of data sets beside it
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
        samples = match_files(
            type(self).__name__,
            self.data_prefix,
            {name: self.img_suffix[name] for name in self.domains},
            self._names_in_ann_file() if self.ann_file else None,
            self.ann_file,
            self.backend_args,
        )
        return [
            dict(
                img_path=paths[self.modalities[0]],
                modality_paths=paths,  # the target's is the last
                modalities=self.modalities,
                target=self.target,
                sample_name=name,
            )
            for name, paths in samples.items()
        ]

    def get_data_info(self, idx: int) -> dict:
        """Get what is known of a sample; ``name_prefix`` comes before its name."""
        info = super().get_data_info(idx)
        info['sample_name'] = self.name_prefix + info['sample_name']
        return info

    def _names_in_ann_file(self) -> list[str]:
        return read_list(self.ann_file, self.backend_args)
