import torch

from mmamf.ensemble import output_keys

OUTPUT = 'fake_img'  # key of the ensemble's image
TRUTH = 'gt_img'


def translated_images(sample: dict) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """Take the true image and all outputs from a sample that a translation model returned.

    Args:
        sample: A data sample as a dict: ``gt_img``, ``fake_img`` (the ensemble, or a stock model's
            only output) and ``fake_img_<modality>`` for each modality, float in 0..255.

    Returns:
        The true image, and the outputs by name: ``'ensemble'``, then the modalities in
        the order of the sample's ``modalities``.

    Shape:
        - every image: (3, H, W)

    Raises:
        ValueError: If an image is missing, has another size than the truth, or has values that
            are not finite.
    """
    where = sample.get('target_path') or sample.get('img_path')
    for key, maker in ((TRUTH, 'PackTranslationInputs'), (OUTPUT, 'the model')):
        if key not in sample:
            raise ValueError(f'{where}: expected an image in `{key}` (from {maker}), got none')
    truth = sample[TRUTH]
    if truth.ndim != 3 or truth.shape[0] != 3:
        raise ValueError(
            f'{where}: expected `{TRUTH}` of shape (3, H, W), got {tuple(truth.shape)}'
        )
    outputs = {}
    for name, key in output_keys(sample, OUTPUT).items():
        outputs[name] = image = sample[key]
        if image.shape != truth.shape:
            raise ValueError(
                f"{where}: expected `{key}` of the true image's shape {tuple(truth.shape)}, got "
                f'{tuple(image.shape)}'
            )
        if not image.isfinite().all():
            raise ValueError(f'{where}: expected finite values in `{key}`, got NaN or infinity')
    return truth, outputs
