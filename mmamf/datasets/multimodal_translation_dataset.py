from collections.abc import Mapping, Sequence

from mmengine.dataset import BaseDataset
from mmengine.registry import DATASETS

from mmamf.structures.modality import Modality, read_modalities

from .described_modalities import check_indices, describe_names, merge_folders
from .sample_files import match_files
from .sample_list import read_list


@DATASETS.register_module()
class MultimodalTranslationDataset(BaseDataset):
    """Samples of registered images, several inputs and one target, matched by file name.

    Every kind of image has its own folder. ``ann_file`` lists the samples: one file name per line,
    without suffix. Without it, every file of the first modality's folder is a sample, sub-folders
    included::

        data_root/rgb/a/0001.png  data_root/depth/a/0001.png  data_root/normal/a/0001.png

    Files that no sample needs do no harm. Building the data set fails if a file is missing. The
    ``sample_name`` is the target's path below its folder, without suffix: ``a/0001``.

    Args:
        modalities: A description of each input, see :class:`Modality`, in the order of the model's
            channels. Or only the names; then :class:`LoadTranslationImages` describes them.
        target: Description, or name, of the image to predict. It cannot be one of the inputs.
        data_prefix: Folders that the descriptions do not name, relative to ``data_root``. Further
            entries do no harm.
        img_suffix: Suffix of the files, or a dict of one per name. Only for ``modalities`` given as
            names.
        backend_args: Arguments of the mmengine file backend.
        **kwargs: Arguments of :class:`mmengine.dataset.BaseDataset`.

    Raises:
        FileNotFoundError: If a folder, the annotation file or files of samples are missing.
        ValueError: If the names, ``data_prefix`` or ``img_suffix`` are not usable, the target is
            among the inputs, or the annotation file names a sample twice.
    """

    def __init__(
        self,
        modalities: Sequence[dict | Modality | str],
        target: dict | Modality | str,
        data_prefix: dict[str, str] | None = None,
        img_suffix: str | dict[str, str] = '.png',
        backend_args: dict | None = None,
        **kwargs,
    ) -> None:
        data_prefix = dict(data_prefix or {})
        domains = modalities if isinstance(modalities, str) else [*modalities, target]
        if not any(isinstance(domain, Mapping | Modality) for domain in domains):
            domains = describe_names(domains, data_prefix, img_suffix)
        *sources, target = map(Modality.of, domains)
        self.modalities = tuple(read_modalities(sources))
        self.target = target.name
        if self.target in self.modalities:
            raise ValueError(
                f'modalities: expected inputs other than the target {self.target!r}, got '
                f'{self.modalities}'
            )
        self.descriptions = read_modalities([*sources, target])
        self.domains = tuple(self.descriptions)
        self.name_prefix = ''  # distinguishes its samples from those of data sets beside it
        self.backend_args = backend_args
        super().__init__(data_prefix=merge_folders(self.descriptions, data_prefix), **kwargs)

    def load_data_list(self) -> list[dict]:
        """List the samples, after a check that all their files exist."""
        samples = match_files(
            type(self).__name__,
            self.data_prefix,
            {name: modality.suffix for name, modality in self.descriptions.items()},
            self._names_in_ann_file() if self.ann_file else None,
            self.ann_file,
            self.backend_args,
        )
        check_indices(self._indices, len(samples))
        return [
            dict(
                img_path=paths[self.modalities[0]],
                modality_paths=paths,  # the target's is the last
                descriptions=self.descriptions,
                modalities=self.modalities,
                target=self.target,
                sample_name=name,
            )
            for name, paths in samples.items()
        ]

    def get_data_info(self, idx: int) -> dict:
        """Get the information on a sample, with ``name_prefix`` before its name."""
        info = super().get_data_info(idx)
        info['sample_name'] = self.name_prefix + info['sample_name']
        return info

    def _names_in_ann_file(self) -> list[str]:
        return read_list(self.ann_file, self.backend_args)
