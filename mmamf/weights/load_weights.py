import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from torch import Tensor, nn

from .state_of import state_of

_SIZES = re.compile(
    r'size mismatch for (\S+): copying a param with shape torch.Size\(\[(.*?)\]\) from checkpoint, '
    r'the shape in current model is torch.Size\(\[(.*?)\]\)'
)
_ONLY_TRAINED_WITH = ('auxiliary_head.', 'discriminator.')  # predictions do not depend on them
_SHOWN = 4  # names of each kind
_MAIN_PARTS = ('backbone', 'generator')  # of a segmentor, of a translator


class LeftOut(NamedTuple):
    """What was not loaded of a checkpoint, or not into a model.

    Args:
        missing: Names of the model that the checkpoint does not have.
        mismatched: Names of another size, with both sizes.
        unused: Names of the checkpoint that the model does not have.
    """

    missing: tuple[str, ...]
    mismatched: tuple[str, ...]
    unused: tuple[str, ...]

    def __str__(self) -> str:
        kinds = {
            'missing in the checkpoint': self.missing,
            'of another size': self.mismatched,
            'not in the model': self.unused,
        }
        return '; '.join(f'{kind}: {some(names)}' for kind, names in kinds.items() if names)


def load_all_weights(model: nn.Module, content: Mapping, source: str | Path) -> None:
    """Load a checkpoint that has to fit a model in everything that predictions depend on.

    Args:
        model: The model.
        content: The checkpoint.
        source: Its file, for errors.

    Raises:
        ValueError: If weights are missing, left over, of another size or not finite.
    """
    left_out, _ = _load(model, content, source)
    left_out = LeftOut(
        *(tuple(n for n in names if not n.startswith(_ONLY_TRAINED_WITH)) for names in left_out)
    )
    if any(left_out):
        raise ValueError(
            f'{source}: expected the weights of the model in the config, got others. {left_out}'
        )


def load_some_weights(model: nn.Module, content: Mapping, source: str | Path) -> str | None:
    """Load what fits of a checkpoint, and say what does not.

    Args:
        model: The model.
        content: The checkpoint.
        source: Its file, for messages.

    Returns:
        What was left out, None if everything was loaded.

    Raises:
        ValueError: If nothing fits the backbone (of a translator, the generator), or weights are
            not finite.
    """
    left_out, loaded = _load(model, content, source)
    names = [name for name, _ in model.named_parameters()]
    for part in _MAIN_PARTS:
        own = [name for name in names if name.startswith(f'{part}.')]
        if own and not loaded.intersection(own):
            raise ValueError(
                f'{source}: expected weights of model.{part}, got none that fit. {left_out}. A '
                f"checkpoint of the {part} alone is loaded by init_cfg=dict(type='Pretrained', "
                f'checkpoint=...) in model.{part}'
            )
    if not any(left_out):
        return None
    return f'{source}: {len(loaded)} of {len(names)} parameters were loaded. {left_out}'


def check_finite(state: Mapping[str, Tensor], source: str | Path) -> None:
    """Check that weights are numbers that a layer can have.

    Args:
        state: Name -> tensor.
        source: Their file, for the error.

    Raises:
        ValueError: If one is NaN, infinite or complex, or a variance negative.
    """
    bad = [
        name
        for name, value in state.items()
        if value.is_floating_point() and not value.isfinite().all()
    ]
    if bad:
        raise ValueError(
            f'{source}: expected finite weights, got NaN or inf in {some(bad)} of {len(state)} '
            'entries: the training diverged, take an earlier checkpoint'
        )
    complex_ = [name for name, value in state.items() if value.is_complex()]
    if complex_:
        raise ValueError(f'{source}: expected real weights, got complex ones in {some(complex_)}')
    negative = [
        name for name, value in state.items() if name.endswith('running_var') and (value < 0).any()
    ]
    if negative:
        raise ValueError(
            f'{source}: expected variances >= 0, got negative ones in {some(negative)}: the file '
            'was damaged or changed'
        )


def _load(model: nn.Module, content: Mapping, source: str | Path) -> tuple[LeftOut, set[str]]:
    """Load what fits; return what does not, and the names of the parameters that were loaded."""
    state = state_of(content)
    if not state:
        raise ValueError(f'{source}: expected a checkpoint with weights, got none in it')
    check_finite(state, source)
    missing, unused, sizes = [], [], []

    def note(_: nn.Module, keys: tuple[list[str], list[str]]) -> None:
        # older norms did not count their batches
        missing.extend(name for name in keys[0] if not name.endswith('num_batches_tracked'))
        unused.extend(keys[1])

    # strict=False would return the same, but not beside an error about sizes
    handle = model.register_load_state_dict_post_hook(note)
    try:
        model.load_state_dict(state, strict=False)
    except RuntimeError as error:
        sizes = _SIZES.findall(str(error))
        if not sizes:
            raise
    except ValueError as error:  # of our layers, which do not know the file
        raise ValueError(f'{source}: {error}') from error
    finally:
        handle.remove()
    mismatched = [
        f'{name}: {_size(theirs)} there, {_size(ours)} here' for name, theirs, ours in sizes
    ]
    names = {name for name, _ in model.named_parameters()}
    loaded = names.difference(missing, (name for name, _, _ in sizes))
    return LeftOut(tuple(missing), tuple(mismatched), tuple(unused)), loaded


def _size(shape: str) -> str:
    return shape.replace(', ', ' x ') or 'a number'


def some(names: Sequence[str]) -> str:
    """Count names, and show the first few."""
    more = ', ...' if len(names) > _SHOWN else ''
    return f'{len(names)} ({", ".join(names[:_SHOWN])}{more})'
