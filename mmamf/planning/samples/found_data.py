"""What a folder contains, as samples of registered files."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

LABELS = 'labels'  # column of the label maps, beside the modalities
SPLITS = ('train', 'val', 'test')
CACHE = 'fingerprint.sqlite'  # in the folder of each plan


@dataclass(frozen=True)
class FoundSample:
    """One scene: a file of each modality that shows it, and its label map.

    Args:
        name: Its name, unique in the data set.
        files: Path below the root of each modality's file, and of the label map as 'labels'. A
            modality without a file is left out.
        group: Name of the sequence, folder or subject that it comes from. Samples of one group are
            never on both sides of a split.
        split: 'train', 'val' or 'test', if the folders or lists say so.
    """

    name: str
    files: Mapping[str, str]
    group: str = ''
    split: str | None = None


@dataclass(frozen=True)
class FoundData:
    """The samples of a folder.

    Args:
        root: The folder.
        modalities: Names of the modalities; the one with the most files, colors first, is first.
        samples: The samples, sorted by name.
        unused: Why each further file of the folder is not used, by its path below the root.
        classes: Names of the classes, if a file or an argument says them.
        remarks: What was strange in lists that name the samples, such as tabs or a byte order mark,
            by the path of the list.
        between: Names of samples that are on no side of the split, because they are at the borders
            of val and show what both sides show. They are not among the samples.
        classes_file: The file that names the classes; '' if none does.
        unlabeled: Further samples, which have no label map though others have. Their files are
            among the unused.
    """

    root: Path
    modalities: tuple[str, ...]
    samples: tuple[FoundSample, ...]
    unused: Mapping[str, str] = field(default_factory=dict)
    classes: tuple[str, ...] = ()
    remarks: Mapping[str, str] = field(default_factory=dict)
    between: tuple[str, ...] = ()
    classes_file: str = ''
    unlabeled: tuple[FoundSample, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """The modalities, and 'labels' if there are label maps."""
        labeled = any(LABELS in sample.files for sample in self.samples)
        return (*self.modalities, LABELS) if labeled else self.modalities

    def count(self, column: str) -> int:
        """Count the samples that have a file in a column."""
        return sum(column in sample.files for sample in self.samples)

    def of_split(self, split: str) -> list[FoundSample]:
        """List the samples of one side."""
        return [sample for sample in self.samples if sample.split == split]
