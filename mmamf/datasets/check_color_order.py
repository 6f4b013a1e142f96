from collections.abc import Iterable

from mmamf.structures.modality import Modality


def check_color_order(source: str, modality: Modality, paths: Iterable[str | None]) -> None:
    """Refuse color files whose channels are loaded in another order than the description says.

    Pictures are loaded as BGR, and arrays in the order of the file. Everything after loading knows
    only one order for a modality, that of its ``suffix``.

    Args:
        source: What names the files, for errors.
        modality: Their description.
        paths: The files; None is an absent one.

    Raises:
        ValueError: If a file has the other order.
    """
    if modality.num_channels != 3:
        return
    expected = modality.is_bgr(modality.suffix)
    other = next((path for path in paths if path and modality.is_bgr(path) != expected), None)
    if other is not None:
        wanted, loaded = ('pictures', 'an array') if expected else ('arrays (.npy)', 'a picture')
        raise ValueError(
            f'{source}: modality {modality.name!r}: expected {wanted}, as the suffix '
            f'{modality.suffix!r} in its description says, got {loaded}: {other}; their colors are '
            'loaded in different orders (pictures as BGR). If all files are of that kind, say '
            f'suffix={"." + other.rsplit(".", 1)[-1]!r}; for both, say channels=[0, 1, 2], which '
            'takes the order of the file, and bgr_to_rgb=False'
        )
