from torch import Tensor, nn
from torch.fx import Proxy

from .modality_axis import fold_modalities, unfold_modalities
from .share_batch import SharesBatch


class ModalitySpecificLayer(SharesBatch):
    """Mixin that gives a layer of torch private parameters for every modality.

    M private layers over C channels are one ordinary layer over M*C channels, because the folded
    batch (N*M, C, H, W) is a view of (N, M*C, H, W). A class inherits from this mixin and from
    torch's class, and is built for M*C channels. So code that looks for torch's class
    (``norm_eval``, frozen stages, weight decay rules) or for its parameters (``bn1.weight``) finds
    them.

    Parameters hold M sets of values along the first axis. A plain checkpoint has one set, which is
    loaded into every modality.

    If modalities are absent, their maps are not in the batch. The layer puts zeros in their places,
    and takes them out again.

    A network may fold k windows or tokens of each map into the batch. Then a layer gets N*M*k rows,
    ordered by sample, then by modality: row r belongs to modality (r // k) mod M. Some networks
    put windows first, (k, N*M, ...), or tokens first, (L, N*M, C). If N*M divides their number of
    rows, the layer cannot recognize this layout, and takes rows for those of another modality.

    Shape:
        - Input: folded maps (N*M, C, H, W).
        - Output: folded maps (N*M, C', H', W').

    Raises:
        ValueError: If M is less than 1, the batch is not a multiple of M or of N*M, or a checkpoint
            has another M or another width.
    """

    num_modalities: int
    # entries with M sets along the first axis; all others are shared
    private_entries: tuple[str, ...] = ('weight', 'bias', 'running_mean', 'running_var')

    def __init__(self, num_modalities: int, *args, **kwargs) -> None:
        if num_modalities < 1:
            raise ValueError(f'num_modalities must be at least 1, got {num_modalities}')
        super().__init__(*args, **kwargs)
        self.num_modalities = num_modalities

    @property
    def plain_class(self) -> type:
        """The plain class, of torch or another library, that this class makes private."""
        kinds = type(self).__mro__
        plain = (kind for kind in kinds if not issubclass(kind, ModalitySpecificLayer))
        return next(kind for kind in plain if issubclass(kind, nn.Module))

    def forward(self, x: Tensor) -> Tensor:
        """Apply each modality's own layer."""
        if isinstance(x, Proxy):  # a private layer is one step for torch.fx, like torch's layers
            return _as_step(self, x)
        if self.batch is None:
            return self.apply_private(x)
        m, k = self.num_modalities, self.batch.rows_per_map(self, x)
        x = self.batch.widen(x)
        out = self.apply_private(x) if k == 1 else _swap(self.apply_private(_swap(x, m, k)), k, m)
        return self.batch.narrow(out)

    def apply_private(self, x: Tensor) -> Tensor:
        """Apply each modality's own layer, where row r belongs to modality r mod M."""
        m = self.num_modalities
        return fold_modalities(super().forward(unfold_modalities(x, m)), m)

    def extra_repr(self) -> str:
        """Describe the layer."""
        return f'{super().extra_repr()}, num_modalities={self.num_modalities}'

    def _load_from_state_dict(self, state_dict: dict, prefix: str, *args) -> None:
        # Both torch's and mmengine's loader call this.
        for name in self.private_entries:
            own, key = getattr(self, name, None), prefix + name
            if own is not None and key in state_dict:
                state_dict[key] = self._repeat_plain(state_dict[key], own, key)
        super()._load_from_state_dict(state_dict, prefix, *args)

    def _repeat_plain(self, value: Tensor, own: Tensor, key: str) -> Tensor:
        """Repeat a plain layer's values for every modality; leave private values as they are."""
        m, (channels, *rest) = self.num_modalities, own.shape
        plain = (channels // m, *rest)
        if value.shape == own.shape:
            return value
        if value.shape == plain:
            return value.repeat(m, *(1 for _ in rest))
        raise ValueError(
            f'{key}: expected {m} x {_format(plain)} values (one set per modality) or '
            f'{_format(plain)} (a plain layer, loaded into every modality), got '
            f'{_format(value.shape)}: the checkpoint has another number of modalities or channels'
        )


def _format(shape: tuple[int, ...]) -> str:
    return ' x '.join(map(str, shape))


def _swap(x: Tensor, first: int, second: int) -> Tensor:
    """Swap the two inner axes of the rows, (N * first * second, ...)."""
    return x.unflatten(0, (-1, first, second)).transpose(1, 2).flatten(0, 2)


def _as_step(layer: ModalitySpecificLayer, x: Proxy) -> Proxy:
    tracer = x.tracer
    path = tracer.path_of_module(layer)
    if layer.num_modalities == 1:
        return tracer.create_proxy('call_module', path, (x,), {})
    # As a function, because mmengine's efficient_conv_bn_eval would take a module of torch's class
    # for a norm with as many channels as the convolution before it.
    return tracer.create_proxy(
        'call_function', _call, (tracer.create_proxy('get_attr', path, (), {}), x), {}
    )


def _call(layer: ModalitySpecificLayer, x: Tensor) -> Tensor:
    return layer(x)
