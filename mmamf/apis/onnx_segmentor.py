from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.dataset import Compose

from mmamf.datasets.transforms.label_colors import IGNORE
from mmamf.datasets.transforms.load_multimodal_images import LoadMultimodalImages
from mmamf.datasets.transforms.stack_planes import stack_planes
from mmamf.deployment.class_count import check_class_count
from mmamf.deployment.onnx_metadata import HOLES, read_files, read_metadata

# Import from the modules. Their packages would import mmseg, which takes seconds.
from mmamf.ensemble import ENSEMBLE, LEFT_OUT, PROBABILITIES

NUMPY = {
    'tensor(float)': np.float32,
    'tensor(float16)': np.float16,
    'tensor(uint8)': np.uint8,
    'tensor(uint16)': np.uint16,
}


class OnnxSegmentor:
    """A segmentation model in an ONNX file that ``tools/export_onnx.py`` wrote.

    It works like :class:`CheckpointSegmentor`, but uses onnxruntime and needs no config. The graph
    gets the images in the size of their files.

    Args:
        path: The ONNX file; it includes the preprocessing.
        device: 'cpu' or 'cuda'; by default the GPU if this onnxruntime can use one.

    Raises:
        FileNotFoundError: If the file does not exist.
        ImportError: If onnxruntime is not installed.
        ValueError: If the file is damaged, was written by another program, or has too many classes,
            or if the device is not available.
    """

    def __init__(self, path: str | Path, device: str | None = None) -> None:
        self.session = self._open(path, device)
        properties = self.session.get_modelmeta().custom_metadata_map
        about = read_metadata(path, properties)
        self.descriptions = {spec['name']: read_files(spec) for spec in about['modalities']}
        self.modalities = tuple(self.descriptions)
        self.classes = tuple(about['classes'])
        check_class_count(len(self.classes))
        self.palette = [tuple(color) for color in about['palette']]
        self.pipeline = Compose([LoadMultimodalImages(), _stack])
        self.threshold = about.get('threshold')  # if the network has one output for two classes
        self._outputs = _outputs(about['outputs'], self.modalities)
        self.is_guarded = about.get('guard', False)
        floats = all('float' in part.type for part in self.session.get_inputs())
        self._may_lack = about.get('absent') == 'NaN' and floats
        self._takes_nan = properties.get(HOLES) == 'NaN' and floats

    @staticmethod
    def _open(path: str | Path, device: str | None) -> Any:
        return _open_session(path, device)

    def predict(self, data: Sequence[dict], return_probabilities: bool = False) -> list[dict]:
        """Predict label maps of each sample, for the ensemble and for every modality it has.

        Args:
            data: Samples from the pipeline, all of one image size.
            return_probabilities: Whether to add the probabilities of the classes, as
                ``probabilities=dict(ensemble=..., <modality>=...)``. With guard, ``left_out`` has
                the names of the modalities whose sensor is broken.

        Shape:
            - Label maps: (H, W), uint8, in the size of the file.
            - Probabilities: (K, H, W), float32.

        Raises:
            ValueError: If a sample lacks modalities or readings and the graph does not support
                that, if the outputs differ from the metadata, or if the graph gives labels where
                probabilities are needed.
        """
        given = [item['present'] for item in data]
        outputs = self._run(data, [*self._outputs.values()])
        present = self._used(given, outputs)
        predicted = self._by_sample(map(self._labels, outputs), present)
        if return_probabilities:
            chances = self._by_sample(map(self._probabilities, outputs), present)
            for maps, parts in zip(predicted, chances):
                maps[PROBABILITIES] = parts
        if self.is_guarded:
            for maps, names, used in zip(predicted, given, present):
                maps[LEFT_OUT] = tuple(name for name in names if name not in used)
        return predicted

    def predict_scores(self, data: Sequence[dict]) -> list[np.ndarray]:
        """Predict the scores of the classes of each sample, as :class:`CheckpointSegmentor` does.

        A graph that gives class indices gives the score 1 to the class and 0 to all others.

        Args:
            data: Samples from the pipeline, all of one image size.

        Shape:
            (K, H, W), float32, in the size of the file.

        Raises:
            ValueError: As for :meth:`predict`.
        """
        (output,) = self._run(data, [self._outputs[ENSEMBLE]])
        if output.dtype.kind == 'f' and output.shape[1] == len(self.classes) > 1:
            return [*self._probabilities(output)]
        if output.dtype.kind == 'f' and self._is_binary(output):
            chance = _sigmoid(output).astype(np.float32)
            return [*np.concatenate([np.full_like(chance, self.threshold), chance], 1)]
        count = max(2, len(self.classes))
        return [*(self._labels(output)[:, None] == np.arange(count)[:, None, None]).astype('f4')]

    def _run(self, data: Sequence[dict], outputs: list[str]) -> list[np.ndarray]:
        batch = np.stack([item['inputs'] for item in data])
        channels = [modality.num_channels for modality in self.descriptions.values()]
        planes = np.split(batch, np.cumsum(channels)[:-1], axis=1)  # (N, C_m, H, W) each
        present = [item['present'] for item in data]
        feed = {}
        for name, images in zip(self.modalities, planes):
            absent = [name not in names for names in present]
            if any(absent) and not self._may_lack:
                raise ValueError(
                    f'expected images of all modalities {self.modalities}, got none of {name!r}: '
                    'this ONNX file does not support absent modalities; export it again'
                )
            if not self._takes_nan:
                self._restore_missing(name, images)
            images[absent] = np.nan
            feed[name] = images
        feed = {i.name: feed[i.name].astype(NUMPY[i.type]) for i in self.session.get_inputs()}
        return self.session.run(outputs, feed)

    def _used(self, present: Sequence[tuple], outputs: Sequence[np.ndarray]) -> list[tuple]:
        """Leave out the modalities that the graph has treated as absent."""
        if not self.is_guarded:
            return present
        blank = {
            source: np.isnan(output[:, 0]) if output.dtype.kind == 'f' else output == IGNORE
            for source, output in zip(self._outputs, outputs)
        }
        lost = {source: pixels.all((1, 2)) for source, pixels in blank.items()}
        return [tuple(n for n in names if not lost[n][i]) for i, names in enumerate(present)]

    def _by_sample(self, outputs: Iterable[np.ndarray], present: Sequence[tuple]) -> list[dict]:
        """Sort the outputs of a batch by sample, and leave out those of absent modalities."""
        return [
            {
                source: part
                for source, part in zip(self._outputs, sample)
                if source == ENSEMBLE or source in names
            }
            for names, sample in zip(present, zip(*outputs))
        ]

    def _restore_missing(self, name: str, images: np.ndarray) -> None:
        """Write missing readings as in the files, for a graph that expects them so."""
        holes = np.isnan(images)
        if not holes.any():
            return
        values = [value for value in self.descriptions[name].missing_values if np.isfinite(value)]
        if not values:
            raise ValueError(
                f'expected a reading of {name!r} in every pixel, got {holes.sum()} missing ones: '
                'this ONNX file does not support missing readings; export it again'
            )
        images[holes] = values[0]

    def _labels(self, output: np.ndarray) -> np.ndarray:
        if output.dtype.kind != 'f':
            return output.astype(np.uint8)
        if self._is_binary(output):
            return (_sigmoid(output[:, 0]) > self.threshold).astype(np.uint8)
        if output.shape[1] != len(self.classes):
            raise ValueError(
                f'expected logits (N, {len(self.classes)}, H, W), got shape {output.shape}: the '
                'ONNX file contradicts its metadata; export it again'
            )
        return output.argmax(1).astype(np.uint8)  # (N, K, H, W) -> (N, H, W)

    def _is_binary(self, output: np.ndarray) -> bool:
        return output.shape[1] == 1 and self.threshold is not None

    def _probabilities(self, output: np.ndarray) -> np.ndarray:
        if output.dtype.kind != 'f':
            raise ValueError(
                'return_probabilities: expected an ONNX file that gives logits, got one that gives '
                'labels: export it again without --labels'
            )
        if output.shape[1] == 1:
            chance = _sigmoid(output).astype(np.float32)
            return np.concatenate([1 - chance, chance], axis=1)
        shifted = np.exp(output.astype(np.float32) - output.max(1, keepdims=True))
        return shifted / shifted.sum(1, keepdims=True)


def _open_session(path: str | Path, device: str | None) -> Any:
    if not Path(path).is_file():
        raise FileNotFoundError(f'{path}: there is no such ONNX file')
    try:
        import onnxruntime
    except ImportError as error:
        raise ImportError(
            'onnxruntime is needed for ONNX files: pip install -r requirements/export.txt'
        ) from error
    available = onnxruntime.get_available_providers()
    providers = _providers(device, available)
    try:
        return onnxruntime.InferenceSession(str(path), providers=providers)
    except Exception as error:  # onnxruntime's errors have no other common base class
        raise ValueError(f'{path}: onnxruntime cannot load it: {error}') from error


def _stack(results: dict) -> dict:
    """Stack the images as PackMultimodalSegInputs does, without data samples."""
    inputs = stack_planes(results).astype(np.float32, copy=False)
    return dict(inputs=inputs, present=results['present'])


def _sigmoid(logits: np.ndarray) -> np.ndarray:
    # computed in the dtype of the logits, as in PyTorch; exp may overflow to infinity
    with np.errstate(over='ignore'):
        return 1 / (1 + np.exp(-logits))


def _providers(device: str | None, available: list[str]) -> list[str]:
    cuda = 'CUDAExecutionProvider'
    if device is None:
        device = 'cuda' if cuda in available else 'cpu'
    if device == 'cpu':
        return ['CPUExecutionProvider']
    if device.startswith('cuda') and cuda in available:
        return [cuda, 'CPUExecutionProvider']  # the CPU runs what the GPU cannot
    raise ValueError(f'device: expected one that onnxruntime can use, {available}, got {device!r}')


def _outputs(names: Sequence[str], modalities: Sequence[str]) -> dict[str, str]:
    """Map the ensemble and the modalities to their outputs. The first is the ensemble's."""
    first, *others = names  # pred_sem_seg, pred_sem_seg_rgb, ...
    keys = {name: f'{first}_{name}' for name in modalities}
    return {ENSEMBLE: first} | {name: key for name, key in keys.items() if key in others}
