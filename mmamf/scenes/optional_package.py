import importlib
from types import ModuleType


def optional_package(name: str, purpose: str) -> ModuleType:
    """Import a package that only some users need.

    Args:
        name: The package, which pip and Python call by the same name.
        purpose: What needs it.

    Raises:
        ImportError: If it is not installed.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ImportError(f'{purpose} needs {name}: pip install {name}') from error
