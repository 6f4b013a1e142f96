from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import TypeVar

import numpy as np

from mmamf.apis.sample_images import as_files, load_sample
from mmamf.apis.segmentor import Segmentor
from mmamf.apis.uncertainty_files import disagreement
from mmamf.datasets.transforms.checked_image import load_images
from mmamf.datasets.transforms.missing_readings import find_missing
from mmamf.ensemble import ENSEMBLE, PROBABILITIES

from .piece import LoadedPiece, Piece

Prediction = TypeVar('Prediction')


class PieceSegmentor:
    """Segments the pieces of a scene one by one, each like a sample of its own.

    So a tile gets what ``tools/infer.py`` gives for a file with the pixels of this tile: the same
    pipeline, the same rules for missing readings and absent modalities, the same errors. Only a
    piece without any reading is no error. It is not shown to the network.

    Args:
        segmentor: The segmentor.
        optional: Modalities that may have no reading in a piece, beside those whose description
            says ``optional=True``.
        batch_size: Number of pieces in a batch, if they have the same size.

    Raises:
        ValueError: If the batch size is less than 1.
    """

    def __init__(
        self, segmentor: Segmentor, optional: Collection[str] = (), batch_size: int = 1
    ) -> None:
        if batch_size < 1:
            raise ValueError(f'batch_size: expected at least 1, got {batch_size}')
        self.segmentor = segmentor
        described = segmentor.descriptions
        self.optional = (*optional, *(name for name, m in described.items() if m.optional))
        self.batch_size = batch_size

    def scores(self, pieces: Iterable[Piece]) -> Iterator[tuple[LoadedPiece, np.ndarray | None]]:
        """Yield the scores of the classes of each piece; None if it has no reading.

        Shape:
            (K, H, W), float32.

        Raises:
            ValueError: See :meth:`load`; also if the network cannot take pieces of this size.
        """
        return self._predict(pieces, self.segmentor.predict_scores)

    def scores_and_disagreement(
        self, pieces: Iterable[Piece]
    ) -> Iterator[tuple[LoadedPiece, np.ndarray | None]]:
        """Yield the :meth:`scores` of each piece, and behind them the :func:`disagreement`.

        Shape:
            (K + 1, H, W), float32.

        Raises:
            ValueError: See :meth:`scores`; also if the network gives labels without probabilities.
        """
        return self._predict(pieces, self._scores_and_disagreement)

    def maps(
        self, pieces: Iterable[Piece]
    ) -> Iterator[tuple[LoadedPiece, dict[str, np.ndarray] | None]]:
        """Yield the label maps of each piece; None if it has no reading.

        Shape:
            (H, W), uint8.

        Raises:
            ValueError: See :meth:`scores`.
        """
        return self._predict(pieces, self.segmentor.predict)

    def complete(self, files: Mapping[str, str | None]) -> dict[str, str | None]:
        """Bring the files of a scene into the order of the modalities, with None for absent ones.

        Raises:
            ValueError: If there is no file, or an unknown modality.
        """
        modalities = self.segmentor.modalities
        if not set(files) <= set(modalities) or not any(files.values()):
            raise ValueError(
                f'expected files of some or all of the modalities {modalities}, got {dict(files)}'
            )
        return {name: files.get(name) for name in modalities}

    def load(self, piece: Piece) -> LoadedPiece:
        """Load a piece.

        Raises:
            FileNotFoundError: If a file does not exist.
            ValueError: If an image is damaged or does not match the others or its description; the
                error names the place.
        """
        described = self.segmentor.descriptions
        with as_files(piece.images, described) as paths:
            try:
                images = load_images(paths, described)
                readings = _find_readings(images, described)
                data = None
                if readings.any():
                    data = load_sample(self.segmentor, piece.name, paths, self.optional)
            except ValueError as error:
                raise ValueError(_name_places(str(error), paths, piece.places)) from error
        return LoadedPiece(piece, readings, data)

    def predict(self, loaded: LoadedPiece) -> dict[str, np.ndarray] | None:
        """Predict the label maps of one piece, see :meth:`maps`."""
        return None if loaded.data is None else self._run([loaded], self.segmentor.predict)[0]

    def _scores_and_disagreement(self, data: list[dict]) -> list[np.ndarray]:
        found, threshold = [], self.segmentor.threshold
        for maps in self.segmentor.predict(data, return_probabilities=True):
            chances = dict(maps[PROBABILITIES])
            scores = whole = chances.pop(ENSEMBLE)
            if threshold is not None:
                scores = np.stack([np.full_like(whole[1], threshold), whole[1]])
            members = [*chances.values()] or [whole]
            found.append(np.concatenate([scores, disagreement(members)[None]]))
        return found

    def _predict(
        self, pieces: Iterable[Piece], predict: Callable[[list[dict]], list[Prediction]]
    ) -> Iterator[tuple[LoadedPiece, Prediction | None]]:
        for batch in self._batches(map(self.load, pieces)):
            seen = [loaded for loaded in batch if loaded.data is not None]
            predicted = iter(self._run(seen, predict) if seen else ())
            for loaded in batch:
                yield loaded, None if loaded.data is None else next(predicted)

    def _batches(self, pieces: Iterable[LoadedPiece]) -> Iterator[list[LoadedPiece]]:
        batch: list[LoadedPiece] = []
        shapes: set[tuple[int, ...]] = set()
        for loaded in pieces:
            shape = {loaded.data['inputs'].shape} if loaded.data else set()
            if len(batch) == self.batch_size or len(shapes | shape) > 1:
                yield batch
                batch, shapes = [], set()
            batch.append(loaded)
            shapes |= shape
        if batch:
            yield batch

    def _run(
        self, batch: list[LoadedPiece], predict: Callable[[list[dict]], list[Prediction]]
    ) -> list[Prediction]:
        try:
            return predict([loaded.data for loaded in batch])
        except ValueError:
            raise
        except Exception as error:  # errors of torch and of onnxruntime have no other common base
            height, width = batch[0].readings.shape
            raise ValueError(
                f'{batch[0].piece.name}: the network cannot take a batch of {len(batch)} with '
                f'{height} x {width} px (H x W): {error}'
            ) from error


def _find_readings(images: dict, descriptions: dict) -> np.ndarray:
    found = []
    for name, (image, values) in images.items():
        holes = find_missing(image, values, descriptions[name].valid_range)
        found.append(~holes if holes.ndim == 2 else ~holes.all(-1))
    return np.logical_or.reduce(found)


def _name_places(text: str, paths: dict, places: dict) -> str:
    for name, path in paths.items():
        if path is not None:
            text = text.replace(path, places[name])
    return text
