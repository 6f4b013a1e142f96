from pathlib import Path


def own_file(name: str) -> Path:
    """Find a file of the project beside the package, or in it, where a wheel has it.

    Args:
        name: Path from the top of a clone, as 'configs/_base_/default_runtime.py'.
    """
    package = Path(__file__).resolve().parent
    in_clone = package.parent / name
    return in_clone if in_clone.exists() else package / '.mim' / name
