"""Runs a part of a measurement in a process of its own."""

import multiprocessing
from collections.abc import Callable
from typing import Any

FORK = multiprocessing.get_context('fork')  # the new process has what this one has imported


def run_apart(job: Callable[[], Any]) -> Any:
    """Run a function in a process of its own, a copy of this one, and return its result.

    Raises:
        FileNotFoundError: If the function raises one.
        ValueError: If the function raises one, or its process ends without a result.
    """

    def send() -> None:
        try:
            sender.send((job(), None))
        except (FileNotFoundError, ValueError) as error:
            sender.send((None, error))

    receiver, sender = FORK.Pipe(duplex=False)
    process = FORK.Process(target=send)
    process.start()
    sender.close()
    try:
        result, error = receiver.recv()
    except EOFError:
        process.join()
        error = ValueError(
            'expected the result of a measuring process, but it ended with exit code '
            f'{process.exitcode}'
        )
    process.join()
    if error is not None:
        raise error
    return result
