from collections.abc import Iterable, Sequence

SHOWN = 10  # number of names in a list


def describe_collapse(
    classes: Sequence[str], predicted: Iterable[bool], labeled: Iterable[bool]
) -> str | None:
    """Say which classes of the labels are predicted and which never are.

    Args:
        classes: Names of the classes.
        predicted: Whether each class is predicted at any pixel that is not ignored.
        labeled: Whether each class occurs in the labels.

    Returns:
        A text such as ``only 1 of 3 classes is ever predicted: background; never, though the labels
        have them: crop, weed``; None if all are predicted. Classes that do not occur in the labels
        are left out.
    """
    occurring = [
        (name, bool(found))
        for name, found, occurs in zip(classes, predicted, labeled, strict=True)
        if occurs
    ]
    found = [name for name, is_found in occurring if is_found]
    never = [name for name, is_found in occurring if not is_found]
    if not never:
        return None
    verb = 'are' if len(found) > 1 else 'is'
    listed = f': {_listed(found)}' if found else ''
    count = f'only {len(found)}' if found else 'none'
    return (
        f'{count} of {len(occurring)} classes {verb} ever predicted{listed}; '
        f'never, though the labels have them: {_listed(never)}'
    )


def _listed(names: list[str]) -> str:
    more = f' and {len(names) - SHOWN} more' if len(names) > SHOWN else ''
    return ', '.join(names[:SHOWN]) + more
