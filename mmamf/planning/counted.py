"""Counts things in a sentence."""


def counted(number: float, one: str, many: str = '') -> str:
    """Write a number and what it counts: '1 file', '2 files'.

    Args:
        number: The number.
        one: The words for one of them. They may go on with a verb: 'link leads'.
        many: The words for several, if they are not those for one with an 's': 'links lead'.
    """
    return f'{number:.15g} {one if number == 1 else many or one + "s"}'
