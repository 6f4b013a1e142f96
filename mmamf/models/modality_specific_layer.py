from torch import Tensor, nn
from torch.fx import Proxy

from .folded_batch import SharesBatch
from .modality_axis import fold_modalities, unfold_modalities


class ModalitySpecificLayer(SharesBatch):
    """Mixin that makes a layer of torch hold parameters of its own for every modality.

    M private layers over C channels are one ordinary layer over M*C channels, because the folded
    batch (N*M, C, H, W) is a view of (N, M*C, H, W). A class inherits from this one and from
    torch's, and is built for M*C channels. So whatever looks for torch's own class (``norm_eval``,
    frozen stages, weight decay rules) or for its parameters (``bn1.weight``) finds them.

    They hold M sets of values along the first axis. A plain checkpoint, one set, is loaded into
    every modality.

    A network may fold more than its N*M maps into the batch: windows of a map, or its tokens. Then
    a layer sees N*M*k rows, sample by sample and, within a sample, modality by modality: row r
    belongs to modality (r // k) mod M. Networks that keep windows in front of the samples,
    (k, N*M, ...), or tokens in front of the batch, (L, N*M, C), cannot be told from these where
    N*M divides the number of rows.

    Shape:
        - Input: folded maps (N*M, C, H, W).
        - Output: folded maps (N*M, C', H', W').

    Raises:
        ValueError: If M is less than 1, the batch is not a multiple of M or of N*M, or a checkpoint
            has another M or another width.
    """

    num_modalities: int
    # M sets along the first axis; every other entry is shared
    private_entries: tuple[str, ...] = ('weight', 'bias', 'running_mean', 'running_var')

    def __init__(self, num_modalities: int, *args, **kwargs) -> None:
        if num_modalities < 1:
            raise ValueError(f'num_modalities must be at least 1, got {num_modalities}')
        super().__init__(*args, **kwargs)
        self.num_modalities = num_modalities

    @property
    def plain_class(self) -> type:
        """The class of torch's, or of another library, that is made private here."""
        kinds = type(self).__mro__
        plain = (kind for kind in kinds if not issubclass(kind, ModalitySpecificLayer))
        return next(kind for kind in plain if issubclass(kind, nn.Module))

    def forward(self, x: Tensor) -> Tensor:
        """Apply its own layer to every modality."""
        if isinstance(x, Proxy):  # torch.fx sees a private layer as one step, as it sees torch's
            return _as_step(self, x)
        m = self.num_modalities
        k = 1 if self.batch is None else self.batch.rows_per_map(self, x)
        if k == 1:
            return self.apply_private(x)
        return _swap(self.apply_private(_swap(x, m, k)), k, m)

    def apply_private(self, x: Tensor) -> Tensor:
        """Apply its own layer to every modality, where row r belongs to modality r mod M."""
        m = self.num_modalities
        return fold_modalities(super().forward(unfold_modalities(x, m)), m)

    def extra_repr(self) -> str:
        """Describe the layer."""
        return f'{super().extra_repr()}, num_modalities={self.num_modalities}'

    def _load_from_state_dict(self, state_dict: dict, prefix: str, *args) -> None:
        # Called by torch's and by mmengine's loader alike.
        for name in self.private_entries:
            own, key = getattr(self, name, None), prefix + name
            if own is not None and key in state_dict:
                state_dict[key] = self._spread(state_dict[key], own, key)
        super()._load_from_state_dict(state_dict, prefix, *args)

    def _spread(self, value: Tensor, own: Tensor, key: str) -> Tensor:
        """Give a plain layer's values to every modality; leave private values as they are."""
        m, (channels, *rest) = self.num_modalities, own.shape
        plain = (channels // m, *rest)
        if value.shape == own.shape:
            return value
        if value.shape == plain:
            return value.repeat(m, *(1 for _ in rest))
        raise ValueError(
            f'{key}: expected {m} x {_format(plain)} values (one set per modality) or '
            f'{_format(plain)} (a plain layer, loaded into every modality), got '
            f'{_format(value.shape)}: a checkpoint of another number of modalities or of another '
            'width'
        )


def _format(shape: tuple[int, ...]) -> str:
    return ' x '.join(map(str, shape))


def _swap(x: Tensor, first: int, second: int) -> Tensor:
    """Exchange the two inner axes of the rows, (N * first * second, ...)."""
    return x.unflatten(0, (-1, first, second)).transpose(1, 2).flatten(0, 2)


def _as_step(layer: ModalitySpecificLayer, x: Proxy) -> Proxy:
    tracer = x.tracer
    path = tracer.path_of_module(layer)
    if layer.num_modalities == 1:
        return tracer.create_proxy('call_module', path, (x,), {})
    # As a function: mmengine's efficient_conv_bn_eval would take a module of torch's class for a
    # layer over as many channels as the convolution before it has.
    return tracer.create_proxy(
        'call_function', _call, (tracer.create_proxy('get_attr', path, (), {}), x), {}
    )


def _call(layer: ModalitySpecificLayer, x: Tensor) -> Tensor:
    return layer(x)
