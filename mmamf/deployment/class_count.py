IGNORE = 255  # stands for no class in an 8-bit map


def check_class_count(count: int) -> None:
    """Refuse more classes than an 8-bit map of class indices can hold.

    Args:
        count: Number of classes.

    Raises:
        ValueError: If there are more.
    """
    if count > IGNORE:
        raise ValueError(
            f'expected at most {IGNORE} classes, because maps of class indices have 8 bits and '
            f'{IGNORE} means no class, got {count}'
        )
