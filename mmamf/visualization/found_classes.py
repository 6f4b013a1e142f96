from collections.abc import Mapping

CLASS = 'IoU.'  # before the name of a class, in the scalars of the ensemble


def count_found(scalars: Mapping[str, float | None]) -> str:
    """Say how many classes the ensemble is right about at any pixel, such as ``1 of 6``.

    Args:
        scalars: Those of a test. A class that is neither in the labels nor predicted is None and
            does not count.
    """
    known = [v for key, v in scalars.items() if key.startswith(CLASS) and v is not None]
    return f'{sum(value > 0 for value in known)} of {len(known)}' if known else '-'
