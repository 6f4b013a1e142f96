IGNORE = 255  # in a map of 8 bits, no class


def check_class_count(count: int) -> None:
    """Refuse more classes than a map of class indices can tell apart.

    Args:
        count: Number of classes.

    Raises:
        ValueError: If there are more.
    """
    if count > IGNORE:
        raise ValueError(
            f'expected at most {IGNORE} classes, as maps of class indices have 8 bits and {IGNORE} '
            f'means none, got {count}'
        )
