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
_SHOWN = 4  # number of names that a message shows
_MAIN_PARTS = ('backbone', 'generator')  # main part of a segmentor and of a translator


class LeftOut(NamedTuple):
    """Names of the weights that were not loaded.

    Args:
        missing: Names that only the model has.
        mismatched: Names whose sizes differ, with both sizes.
        unused: Names that only the checkpoint has.
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
    """Load a checkpoint, and raise an error if weights that predictions depend on do not fit.

    Args:
        model: The model.
        content: The checkpoint.
        source: File of the checkpoint, for errors.

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
    """Load the weights of a checkpoint that fit, and report the others.

    Args:
        model: The model.
        content: The checkpoint.
        source: File of the checkpoint, for messages.

    Returns:
        A report of the weights that were left out; None if all were loaded.

    Raises:
        ValueError: If no weight fits the backbone (the generator of a translator), or weights are
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
    """Check that weights are finite, real numbers.

    Args:
        state: Name -> tensor.
        source: File of the weights, for the error.

    Raises:
        ValueError: If a weight is NaN, infinite or complex, or a variance is negative.
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
        name
        for name, value in state.items()
        if name.endswith(('running_var', 'part_var')) and (value < 0).any()
    ]
    if negative:
        raise ValueError(
            f'{source}: expected variances >= 0, got negative ones in {some(negative)}: the file '
            'was damaged or changed'
        )


def _load(model: nn.Module, content: Mapping, source: str | Path) -> tuple[LeftOut, set[str]]:
    """Load the weights that fit.

    Returns:
        The weights that were left out, and the names of the loaded parameters.
    """
    state = state_of(content)
    if not state:
        raise ValueError(f'{source}: expected a checkpoint with weights, got none in it')
    check_finite(state, source)
    missing, unused, sizes = [], [], []

    def note(_: nn.Module, keys: tuple[list[str], list[str]]) -> None:
        # older norms have no counter of batches
        missing.extend(name for name in keys[0] if not name.endswith('num_batches_tracked'))
        unused.extend(keys[1])

    # load_state_dict returns these names as well, but not if it raises an error about sizes
    handle = model.register_load_state_dict_post_hook(note)
    try:
        model.load_state_dict(state, strict=False)
    except RuntimeError as error:
        sizes = _SIZES.findall(str(error))
        if not sizes:
            raise
    except ValueError as error:  # errors of our layers do not name the file
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
    """Write the number of names and the first few of them."""
    more = ', ...' if len(names) > _SHOWN else ''
    return f'{len(names)} ({", ".join(names[:_SHOWN])}{more})'
