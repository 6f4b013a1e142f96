import functools
from itertools import chain

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.modules.instancenorm import _InstanceNorm

from ..host_copy import on_host, places
from ..modality_axis import fold_modalities, separate_modalities, unfold_modalities
from ..modality_specific_layer import ModalitySpecificLayer
from ..tracing import is_eager, is_exporting
from .part_statistics import (
    PART_STATISTICS,
    fit_part_statistics,
    has_part_statistics,
    normalize_rows,
)

# what torch's batch norms do; a subclass may do more, such as an activation
_SCALING = (nn.BatchNorm2d.forward, nn.SyncBatchNorm.forward)


class ModalitySpecificNorm(ModalitySpecificLayer):
    """Mixin that makes a norm layer private. Maps of absent modalities enter no statistics.

    Args:
        num_features: Channels C of one modality.
        num_modalities: Number of modalities M.
        **kwargs: Passed on to the layer.

    Raises:
        ValueError: If samples lack modalities, or with exchange dropout, while statistics are
            synchronized or instance norms update running statistics.
    """

    keeps_its_input = False  # True if the gradient needs the input, not the output

    def __init__(self, num_features: int, num_modalities: int, **kwargs) -> None:
        super().__init__(num_modalities, num_features * num_modalities, **kwargs)

    def forward(self, x: Tensor) -> Tensor:
        """Apply each modality's own layer."""
        kept = None if self.batch is None else self.batch.kept
        if kept is None or self._takes_statistics() or self.plain_class.forward not in _SCALING:
            return super().forward(x)
        is_whole = self.presence.all(1) if self.batch.parts is None else None
        return normalize_rows(self, x, kept, is_whole)

    def apply_private(self, x: Tensor) -> Tensor:
        """Apply each modality's own layer."""
        parts = None if self.batch is None else self.batch.parts
        if self._takes_statistics():
            if isinstance(self, nn.SyncBatchNorm | _InstanceNorm):
                self._refuse_parts()
            elif self.presence is not None:
                return self._call_copies(x)
        if not self._uses_parts():
            out = super().apply_private(x)
        elif parts:
            out = self._apply_part(x)
        else:
            whole = _repeat(self.presence, len(x) // self.num_modalities).all(1)
            whole = whole.repeat_interleave(self.num_modalities).view(-1, *(1,) * (x.ndim - 1))
            out = torch.where(whole, super().apply_private(x), self._apply_part(x))
        return forget_view(out) if self.keeps_its_input else out

    def _apply_part(self, x: Tensor) -> Tensor:
        """Apply each modality's own layer with the statistics of samples that lack modalities."""
        entries = dict(self._parameters) | self._buffers
        entries |= {source: entries[name] for name, source in PART_STATISTICS.items()}
        maps = unfold_modalities(x, self.num_modalities)
        out = self._call_copy(entries, maps, self.training)
        return fold_modalities(out, self.num_modalities)

    def _refuse_parts(self) -> None:
        if self.presence is None and not has_part_statistics(self):
            return
        raise ValueError(
            f'{type(self).__name__} takes its statistics from all maps: expected samples that have '
            'all modalities, and exchange_dropout=0, got a batch in which modalities are absent, '
            'or exchange dropout, which is the default with optional modalities: use '
            'ModalitySpecificBN'
        )

    def turn_into(self, norm: nn.Module) -> 'ModalitySpecificNorm':
        """Take over the class and the settings of another norm, in its private form.

        To synchronize a batch norm, or to undo this, torch and mmengine build a new layer. Here the
        private layer stays (see mmamf/compat/layers.py).
        """
        from .private_class import private_class  # which needs this class

        self.__class__ = private_class(type(norm))
        for name, value in vars(norm).items():  # such as the group of processes
            self.__dict__.setdefault(name, value)
        return self

    def _takes_statistics(self) -> bool:
        """Tell whether the layer uses statistics of this batch, to learn them or to normalize."""
        if isinstance(self, _InstanceNorm):  # statistics of one map mix no samples
            return self.training and self.track_running_stats
        return isinstance(self, _NormBase) and (self.training or self.running_mean is None)

    def _uses_parts(self) -> bool:
        """Tell whether this pass has samples with statistics of their own."""
        if self.batch is None or not has_part_statistics(self):
            return False
        return self.presence is not None or self.batch.parts is not None

    def _call_copies(self, x: Tensor) -> Tensor:
        """Call a plain layer for every modality, with that modality's values.

        The layer gets only maps of present modalities; the output for the others is zero. If no
        sample has a modality, its values do not change. If samples that lack modalities have their
        own statistics, the layer is called for them apart. A batch norm that gets a single value
        per channel, of one map of 1 x 1 pixel, uses running statistics. In an ONNX graph, which is
        for inference, the layer gets all maps. A single number, such as the count of batches,
        changes only once.
        """
        m = self.num_modalities
        maps = separate_modalities(x, m)
        presence = None
        if self.presence is not None and not is_exporting():
            presence = _repeat(on_host(self.presence), len(maps))
        values = dict(chain(self._parameters.items(), self._buffers.items()))
        later = {k: v.clone() for k, v in values.items() if v is not None and not v.ndim}
        results = []
        for index, own_maps in enumerate(maps.unbind(1)):
            seen = None
            for mask, names in self._situations(presence, index):
                rows = None if mask is None else places(mask, x.device)
                entries = {
                    k: v.chunk(m)[index] if v is not None and v.ndim else v
                    for k, v in values.items()
                }
                entries |= {source: entries[name] for name, source in names.items()}
                some = own_maps if rows is None else own_maps[rows]
                # torch would end the training, at random, when one sample has no partner
                learns = self.training and (rows is None or some[:, 0].numel() > 1)
                out = self._call_copy(entries, some, learns)
                if rows is not None:
                    seen = torch.zeros_like(own_maps, dtype=out.dtype) if seen is None else seen
                    out = seen.index_put((rows,), out)
                seen = out
                values |= {name: number.clone() for name, number in later.items()}
            results.append(torch.zeros_like(own_maps) if seen is None else seen)
        dtype = functools.reduce(torch.promote_types, (result.dtype for result in results))
        return torch.stack([result.to(dtype) for result in results], dim=1).reshape(x.shape)

    def _situations(
        self, presence: Tensor | None, index: int
    ) -> list[tuple[Tensor | None, dict[str, str]]]:
        """List masks of the rows of a modality that share statistics, with the statistics' names.

        None stands for all rows, and no names for the first pair of statistics.
        """
        if presence is None:
            return [(None, PART_STATISTICS if self._uses_parts() else {})]
        groups = [(presence[:, index], {})]
        if has_part_statistics(self):
            is_whole = presence.all(1) & (self.batch.parts is None)
            there = presence[:, index]
            groups = [(there & is_whole, {}), (there & ~is_whole, PART_STATISTICS)]
        return [(None if r.all() else r, names) for r, names in groups if r.any()]

    def _call_copy(self, values: dict[str, Tensor | None], x: Tensor, training: bool) -> Tensor:
        """Call a layer of the plain class with these values, and otherwise like this layer.

        torch.func.functional_call would change this layer for all threads while it runs.
        """
        copy = object.__new__(self.plain_class)
        own = dict(_parameters={}, _buffers=values, training=training)
        copy.__dict__ = {**self.__dict__, **own}
        return self.plain_class.forward(copy, x)

    def _load_from_state_dict(self, state_dict: dict, prefix: str, *args) -> None:
        if f'{prefix}bn_0.weight' in state_dict:
            raise ValueError(
                f'{prefix}bn_0.weight: expected a checkpoint of this project, got one in the '
                "authors' format: convert it first with tools/convert_checkpoint.py"
            )
        fit_part_statistics(self, state_dict, prefix)
        super()._load_from_state_dict(state_dict, prefix, *args)


def _repeat(mask: Tensor, count: int) -> Tensor:
    """Repeat a mask for a number of samples; a sample may have several windows or tokens."""
    return mask.repeat_interleave(count // len(mask), dim=0)


def forget_view(out: Tensor) -> Tensor:
    """Hide from autograd that a tensor is a view; nobody else uses its base.

    A ReLU that changes a view in place would need three copies of it in the backward pass.
    """
    if not out.requires_grad or not is_eager(out):
        return out
    return torch.ops.aten._unsafe_view(out, out.shape)
