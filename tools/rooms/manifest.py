"""The record of a rooms data set: its settings, and a checksum of every file."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from mmamf.whole_file import write_json

from .classes import CLASSES, PALETTE

GENERATOR = 1  # increased when the same seed gives other files
SPLITS = ('train', 'val')
MAX_ROOMS = 1_000_000  # per split; keeps the seeds of all rooms different


def room_seed(seed: int, split: str, index: int) -> int:
    """Return the seed of a room; no other room of any split or data set seed has it."""
    return (seed * len(SPLITS) + SPLITS.index(split)) * MAX_ROOMS + index


def room_file(split: str, folder: str, index: int) -> str:
    """Return the path of a room's file inside the data set's folder."""
    return f'{split}/{folder}/{index:06d}.png'


class Manifest:
    """Keeps `manifest.json` of a data set folder.

    Args:
        out: Folder of the data set.
        settings: Numbers of rooms (train, val), size (width, height) and seed.

    Raises:
        ValueError: If the folder holds a data set with other settings, or a damaged manifest.
    """

    def __init__(self, out: Path, settings: dict) -> None:
        self.path = out / 'manifest.json'
        self.settings = dict(settings, generator=GENERATOR)
        self.files: dict[str, str] = {}
        if not self.path.exists():
            return
        try:
            stored = json.loads(self.path.read_text())
            self.files, found = stored['files'], stored['settings']
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(
                f'{self.path}: expected a manifest of the rooms data set, got another file; remove '
                'the folder or choose another with --out'
            ) from error
        if found != self.settings:
            detail = ', '.join(
                f'{key}={found.get(key)} (asked: {self.settings.get(key)})'
                for key in {**found, **self.settings}
                if found.get(key) != self.settings.get(key)
            )
            raise ValueError(
                f'{self.path.parent} holds rooms of other settings: {detail}; '
                'remove the folder or choose another with --out'
            )

    def missing(self, folders: Sequence[str]) -> list[tuple[str, int]]:
        """Return (split, index) of rooms with a file that is absent, or not as recorded.

        Args:
            folders: The folders to check.
        """
        return [
            (split, index)
            for split in SPLITS
            for index in range(self.settings[split])
            if not all(self._intact(room_file(split, folder, index)) for folder in folders)
        ]

    def _intact(self, path: str) -> bool:
        file = self.path.parent / path
        if path not in self.files or not file.is_file():
            return False
        return hashlib.sha256(file.read_bytes()).hexdigest() == self.files[path]

    def save(self) -> None:
        """Write the manifest; the file on disk is always complete."""
        content = dict(
            settings=self.settings,
            classes=CLASSES,
            palette=PALETTE,
            files=dict(sorted(self.files.items())),
        )
        write_json(self.path, content)
