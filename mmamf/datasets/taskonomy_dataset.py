from collections.abc import Sequence
from dataclasses import replace

from mmengine.registry import DATASETS

from mmamf.structures import Modality

from .multimodal_translation_dataset import MultimodalTranslationDataset

# our name -> Taskonomy's, which is the folder and the end of the file names
DOMAINS = dict(
    rgb='rgb',
    shade='reshading',
    texture_edge='edge_texture',
    occlusion_edge='edge_occlusion',
    normal='normal',
    depth='depth_zbuffer',
    distance='depth_euclidean',
    curvature='principal_curvature',
)


@DATASETS.register_module()
class TaskonomyDataset(MultimodalTranslationDataset):
    """Taskonomy: views of real buildings with geometry from 3D scans, in the published folders.

    Files are ``DOMAIN/BUILDING/point_X_view_Y_domain_DOMAIN.png``. The sample of one building
    (https://github.com/alexsax/taskonomy-sample-model-1), on which the paper trains, has no folder
    BUILDING. All images are 512 x 512:

    ================  ===================  ==================================================
    name              DOMAIN               content
    ================  ===================  ==================================================
    rgb               rgb                  8 bits, color
    shade             reshading            8 bits, color; lit by one lamp at the camera
    texture_edge      edge_texture         16 bits
    occlusion_edge    edge_occlusion       16 bits
    normal            normal               8 bits, color; (n + 1) / 2, camera frame, x in red
    depth             depth_zbuffer        16 bits, 1/512 m, 65535 = no reading
    distance          depth_euclidean      16 bits, 1/512 m, 65535 = no reading
    curvature         principal_curvature  8 bits, color; two principal curvatures, 127 = none
    ================  ===================  ==================================================

    Each line of the annotation file names a view as ``BUILDING/point_X_view_Y``. The authors'
    lists, with lines ``{domain}/point_X_view_Y_domain_{domain}.png``, also work.

    Data: Zamir et al., "Taskonomy: Disentangling Task Transfer Learning", CVPR 2018,
    http://taskonomy.stanford.edu

    Args:
        modalities: Descriptions of the inputs, or their names.
        target: Description, or name, of the image to be predicted.
        **kwargs: Arguments of :class:`MultimodalTranslationDataset`, except ``data_prefix`` and
            ``img_suffix``.

    Raises:
        ValueError: If Taskonomy has no such name.
    """

    def __init__(
        self,
        modalities: Sequence[dict | Modality | str],
        target: dict | Modality | str = 'rgb',
        **kwargs,
    ) -> None:
        domains = [*modalities, target]
        if any(isinstance(domain, str) for domain in domains):
            domains = [Modality(name) for name in domains]
        domains = [Modality.of(domain) for domain in domains]
        unknown = [domain.name for domain in domains if domain.name not in DOMAINS]
        if unknown:
            raise ValueError(f'expected names among {tuple(DOMAINS)}, got {unknown}')
        folders = [DOMAINS[domain.name] for domain in domains]
        *modalities, target = (
            replace(domain, folder=folder, suffix=f'_domain_{folder}.png')
            for domain, folder in zip(domains, folders)
        )
        super().__init__(modalities, target, **kwargs)

    def _names_in_ann_file(self) -> list[str]:
        return [
            line.removeprefix('{domain}/').removesuffix('_domain_{domain}.png')
            for line in super()._names_in_ann_file()
        ]
