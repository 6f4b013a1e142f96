from collections.abc import Mapping

CLASS = 'IoU.'  # prefix of a class name in the ensemble's scalars


def count_found(scalars: Mapping[str, float | None]) -> str:
    """Count the classes that the ensemble predicts correctly in at least one pixel: ``1 of 6``.

    Args:
        scalars: Scalars of a test. A class that is neither in the labels nor predicted is None and
            is not counted.
    """
    known = [v for key, v in scalars.items() if key.startswith(CLASS) and v is not None]
    return f'{sum(value > 0 for value in known)} of {len(known)}' if known else '-'
