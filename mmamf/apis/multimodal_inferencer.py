from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from mmengine.config import Config
from rich.progress import track

from mmamf.ensemble import LEFT_OUT, PROBABILITIES

from .match_inputs import Image, Images, match_inputs
from .open_exported import is_exported, open_exported
from .prediction_files import WRITTEN, PredictionFiles
from .sample_images import as_files, load_sample, picture_of_image
from .uncertainty_files import UNCERTAINTY, UncertaintyFiles


class MultimodalInferencer:
    """Segments a user's images, given as paths, folders, globs or arrays of each modality.

    ::

        inferencer = MultimodalInferencer('work_dirs/demo/train/iter_1200.pth')
        maps = inferencer(dict(rgb='photos/rgb', depth='photos/depth'), out_dir='segmented')
        maps['0001']['ensemble']  # (H, W), class indices; also 'rgb' and 'depth'
        inferencer.classes
        inferencer(dict(rgb='photos/rgb'))  # without depth

    Images go through the test pipeline of the config, so predictions equal those of
    ``tools/test.py``. mmengine's BaseInferencer takes one image per sample and keeps all logits.
    This class keeps only the label maps, and :meth:`stream` does not even keep those.

    A modality without an image is absent in the network, see :class:`FusionOperator` and
    :class:`ModalityEnsembleHead`.

    Args:
        model: Checkpoint of a training, which contains its config, or .onnx or .xml file of
            ``tools/export_onnx.py``; .xml is for OpenVINO.
        config: Config of the checkpoint, or its file, if the checkpoint has none.
        device: Device of the model, such as 'cpu' or 'cuda:0'; by default the GPU if there is one.
        show_progress: Whether to show a progress bar.
        allow_different_config: Whether the config may contradict the one in the checkpoint.
        guard: Whether a modality whose sensor is broken counts as absent (:class:`SensorGuard`). If
            the config or the exported file says so, it does anyway.

    Raises:
        FileNotFoundError: If the model does not exist.
        ValueError: If it is not usable, see :class:`CheckpointSegmentor` and
            :class:`OnnxSegmentor`, if an ONNX file comes with a config or lacks the guard that is
            asked for, or if a modality has the name of another entry of the results.
    """

    def __init__(
        self,
        model: str | Path,
        config: str | Path | Config | None = None,
        device: str | None = None,
        show_progress: bool = True,
        allow_different_config: bool = False,
        guard: bool = False,
    ) -> None:
        if not is_exported(model):
            from .checkpoint_segmentor import CheckpointSegmentor  # needs mmseg; ONNX does not

            self.segmentor = CheckpointSegmentor(
                model, config, device, allow_different_config, guard
            )
        elif config is None:
            self.segmentor = open_exported(model, device)
        else:
            raise ValueError(
                f'config: expected none with {model}, because an exported file needs no config, '
                'got one'
            )
        if guard and not self.segmentor.is_guarded:
            raise ValueError(
                f'guard: expected an ONNX file with a guard, got {model} without: export it again '
                'with --cfg-options model.test_cfg.guard=True'
            )
        taken = {PROBABILITIES, LEFT_OUT}.intersection(self.modalities)
        if taken:
            raise ValueError(
                f'modalities: expected other names than {sorted(taken)}, which are entries of the '
                'results'
            )
        self.show_progress = show_progress

    @property
    def modalities(self) -> tuple[str, ...]:
        """Names of the modalities that a sample may have."""
        return self.segmentor.modalities

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes, in the order of their indices."""
        return self.segmentor.classes

    def __call__(
        self,
        inputs: Mapping[str, Images],
        batch_size: int = 1,
        out_dir: str | Path | None = None,
        optional: Collection[str] = (),
        return_probabilities: bool = False,
    ) -> dict[str, dict]:
        """Segment samples, and return their label maps by name.

        Args:
            inputs: Modality -> a folder, a glob, a file, an array, or a list of files and arrays;
                :func:`match_inputs` sorts them into samples. Arrays are in the units of the files.
                Color arrays are in RGB order. If the files of the data set are ``.npy``, arrays
                are in the order of these files instead. A modality that is not named is absent in
                all samples.
            batch_size: Number of samples in a batch, if they have the same size.
            out_dir: Folder where :class:`PredictionFiles` writes masks, overlays and a montage.
            optional: Modalities that a sample may lack. It lacks one if a folder or glob has no
                file for it, if a list has None in its place, or if its image has no readings.
                Modalities whose description says ``optional=True`` are optional anyway.
            return_probabilities: Whether to return the probabilities of the classes, too. With
                ``out_dir``, :class:`UncertaintyFiles` then writes maps there.

        Returns:
            Name of the sample -> ``dict(ensemble=..., <modality>=...)``. Only modalities that the
            sample has are in it. With ``return_probabilities``, it also has
            ``probabilities=dict(ensemble=..., <modality>=...)``. With guard, ``left_out`` has the
            names of the modalities whose sensor is broken.

        Shape:
            - Arrays: (H, W) or (H, W, C).
            - Output: (H, W), uint8, in the size of the images.
            - Probabilities: (K, H, W), float32.

        Raises:
            ValueError: If the images do not match each other or the descriptions of the modalities.
            FileNotFoundError: If a path does not exist.
            TypeError: If an input is of another type.
        """
        return dict(self.stream(inputs, batch_size, out_dir, optional, return_probabilities))

    def stream(
        self,
        inputs: Mapping[str, Images],
        batch_size: int = 1,
        out_dir: str | Path | None = None,
        optional: Collection[str] = (),
        return_probabilities: bool = False,
    ) -> Iterator[tuple[str, dict]]:
        """Segment samples like :meth:`__call__`, but yield the name and maps of one at a time.

        Args:
            inputs: See :meth:`__call__`.
            batch_size: See :meth:`__call__`.
            out_dir: See :meth:`__call__`.
            optional: See :meth:`__call__`.
            return_probabilities: See :meth:`__call__`.
        """
        if batch_size < 1:
            raise ValueError(f'batch_size: expected at least 1, got {batch_size}')
        described = self.segmentor.descriptions
        if not isinstance(optional, str):  # match_inputs refuses a text
            optional = (*optional, *(name for name, m in described.items() if m.optional))
        suffixes = {name: modality.suffix for name, modality in described.items()}
        written = (*WRITTEN, *UNCERTAINTY) if return_probabilities else WRITTEN
        results = [Path(out_dir, name) for name in written] if out_dir is not None else []
        samples = match_inputs(inputs, self.modalities, suffixes, optional, results)
        files = doubts = None
        if out_dir is not None and return_probabilities:
            doubts = UncertaintyFiles(out_dir)
            doubts.check_inputs(samples)
        if out_dir is not None:
            segmentor = self.segmentor
            files = PredictionFiles(out_dir, segmentor.classes, segmentor.palette, len(samples))
            files.check_inputs(samples)
        for batch in self._batches(samples, batch_size, optional):
            data = [sample.data for sample in batch]
            predicted = self.segmentor.predict(data, return_probabilities)
            for sample, maps in zip(batch, predicted):
                if files:
                    images = sample.images.items()
                    pictures = {key: picture_of_image(described[key], i) for key, i in images}
                    files.write(sample.name, pictures, maps)
                if doubts:
                    doubts.write(sample.name, maps[PROBABILITIES])
                yield sample.name, maps

    def _batches(
        self,
        samples: dict[str, dict[str, Image | None]],
        batch_size: int,
        optional: Collection[str],
    ) -> Iterator[list['_Loaded']]:
        """Load samples, and batch neighbors of the same size."""
        batch: list[_Loaded] = []
        shown = track(samples.items(), 'segmenting', disable=not self.show_progress)
        for name, images in shown:
            sample = _Loaded(name, images, self._load(name, images, optional))
            shape = sample.data['inputs'].shape
            if batch and (len(batch) == batch_size or batch[0].data['inputs'].shape != shape):
                yield batch
                batch = []
            batch.append(sample)
        yield batch

    def _load(self, name: str, images: dict[str, Image | None], optional: Collection[str]) -> dict:
        with as_files(images, self.segmentor.descriptions) as paths:
            return load_sample(self.segmentor, name, paths, optional)


class _Loaded(NamedTuple):
    name: str
    images: dict[str, Image | None]
    data: dict
