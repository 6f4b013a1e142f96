"""Splits paths into words, and knows the words that people name modalities and labels with."""

import functools
import posixpath
import re
import unicodedata
from collections.abc import Collection

# Words only give names and break ties; any word may name a modality.
COLORS = frozenset(
    'rgb color colour colors image images img imgs photo photos picture pictures jpegimages '
    'leftimg8bit left visible vis rgbs'.split()
)
DISPARITIES = frozenset('disparity disparities disp'.split())
DEPTHS = DISPARITIES | frozenset(
    'depth depths range tof lidar dsm dtm elevation tiefe tiefen tiefenbild tiefenbilder '
    'profondeur profondeurs profundidad profundidade profondita profondità diepte'.split()
)
THERMALS = frozenset(
    'thermal thermals waerme wärme warme waermebild wärmebild warmebild thermisch thermique '
    'thermiques termica térmica termico térmico termografia warmte'.split()
)
# Sequences of magnetic resonance. An apparent diffusion coefficient (adc) has a unit.
SEQUENCES = frozenset('mr mri t1 t1w t1n t1c t1ce t1gd t1post t2 t2w t2f flair pd dwi swi'.split())
MODALITIES = COLORS.union(
    DEPTHS,
    THERMALS,
    SEQUENCES,
    'right nir ir red green blue rededge swir lwir mwir uv infrared nearinfrared fir normal '
    'normals hha edge edges adc ct pet dem ndsm chm sar vv vh hh hv sentinel1 sentinel2 optical '
    'multispectral hyperspectral ms hsi pan msi radar intensity reflectance polarization dolp aolp '
    'gray grey gated event events flow height slope ndvi xray us ultrasound dapi fluorescence '
    'brightfield'.split(),
)
# word -> how surely the files are label maps of classes
LABEL_WORDS = {
    # those of Cityscapes: void pixels are 255 in trainIds, but classes of their own in labelIds
    **dict.fromkeys(('trainids', 'labeltrainids'), 6),
    'labelids': 5,
    **dict.fromkeys(('label', 'labels', 'semantic', 'semantics', 'semseg', 'semanticseg'), 4),
    **dict.fromkeys(('mask', 'masks', 'seg', 'segmentation', 'segmentations', 'segs'), 4),
    **dict.fromkeys(('lbl', 'lbls', 'classes', 'msk'), 4),
    **dict.fromkeys('maske masken masque masques mascara mascaras maschera maschere'.split(), 4),
    **dict.fromkeys('máscara máscaras etiketten étiquettes etiquettes'.split(), 4),
    **dict.fromkeys('etiqueta etiquetas etichetta etichette'.split(), 4),
    **dict.fromkeys(('annotation', 'annotations', 'annot', 'annots', 'ann', 'anno', 'manual'), 3),
    **dict.fromkeys(('gt', 'gts', 'groundtruth', 'truth', 'gtfine', 'gtcoarse', 'target'), 2),
    **dict.fromkeys(('targets', 'ground', 'fine'), 1),
}
# longer words that begin so, such as labelmap, segmentationclass or masken
LABEL_STEM = re.compile(r'(label|mask|segmentation|annotation)[^\W\d]+')
LABEL_STEM_SCORE = 3
# of these, the ones for looking at, or of another task
LABEL_PICTURE_STEM = re.compile(r'.*(object|instance|visuali[sz]ation|color|contour|boundar).*')
LABEL_PICTURES = frozenset(  # label maps to look at, or of another task
    'color colour colors colored instance instances instanceids object objects panoptic edge edges '
    'boundary boundaries rgb polygons vis raw human readable viz visual'.split()
)
SPLIT_WORDS = {
    **dict.fromkeys(('train', 'training', 'tr'), 'train'),
    **dict.fromkeys(('val', 'valid', 'validation', 'dev'), 'val'),
    **dict.fromkeys(('test', 'testing', 'ts'), 'test'),
}
OVERVIEWS = frozenset(
    'overview overviews visualization visualizations visualisation preview previews thumb thumbs '
    'thumbnail thumbnails overlay overlays legend montage contactsheet screenshot screenshots '
    'figure figures sheet assets'.split()
)
# folders that systems make beside the data
SYSTEM = frozenset(('__macosx', '@eadir', '$recycle.bin', 'system volume information'))
BANDS = re.compile(r'(band|channel|ch|cam|camera|sensor)_?\d+|b\d[\da]')
GIVEN = '='  # begins the word of a modality that an argument names
FOLDER = '/'  # ends the words of folders

FORMS = ('words', 'pieces', 'numbers')

Words = tuple[tuple[str, ...], ...]

_KNOWN = MODALITIES | LABEL_WORDS.keys()


def plain(word: str) -> str:
    """Remove the marks of folders and of arguments from a word."""
    return word.strip(FOLDER + GIVEN)


def is_known(word: str) -> bool:
    """Tell whether a word usually names a modality or label maps."""
    word = plain(word)
    parts = split_text(word) if '_' in word else [word]
    return bool(_KNOWN.intersection(parts) or BANDS.fullmatch(word) or label_score(word))


def label_score(word: str) -> float:
    """Tell how surely a word names label maps of classes; 0 if it does not."""
    if word in LABEL_WORDS or word in _KNOWN or not LABEL_STEM.fullmatch(word):
        return LABEL_WORDS.get(word, 0)
    return LABEL_STEM_SCORE / (4 if LABEL_PICTURE_STEM.fullmatch(word) else 1)


def split_of(word: str) -> str | None:
    """Tell which side of a split a word names."""
    return SPLIT_WORDS.get(plain(word))


@functools.lru_cache(maxsize=1 << 18)
def split_path(path: str, form: str = 'words') -> Words:
    """Split a path into the words of each folder and of the name, in lower case.

    Args:
        path: Path with slashes.
        form: One of :data:`FORMS`. 'words': known words end where digits begin (``depth001``),
            others do not (``z001``). 'pieces': all do. 'numbers': a folder is one word, and a name
            is the numbers in it.
    """
    folder, name = posixpath.split(posixpath.splitext(path)[0])
    if form == 'numbers':
        numbers = tuple(str(int(number)) for number in re.findall('[0-9]+', name))
        return (*_whole_folders(folder), numbers or _split_text(name, form))
    return (*_split_folder(folder, form), _split_text(name, form))


def split_text(text: str) -> list[str]:
    """List the words of a name, in lower case."""
    text = unicodedata.normalize('NFC', text.lower())  # macOS writes ä as two characters
    return [word for word in re.split(r'[\W_]+', text) if word]


def without(words: Words, gone: Collection[str]) -> Words:
    """Remove words from a path, and the folders that have no words then."""
    kept = [tuple([word for word in part if word not in gone]) for part in words]
    return tuple([part for part in kept if part])


@functools.cache
def _whole_folders(folder: str) -> Words:
    parts = ('_'.join(split_text(part)) for part in folder.split('/'))
    return tuple((part + FOLDER,) for part in parts if part)


@functools.cache
def _split_folder(folder: str, form: str) -> Words:
    return tuple(
        tuple(word + FOLDER for word in _split_text(part, form))
        for part in folder.split('/')
        if part not in ('', '.')
    )


def _split_text(text: str, form: str) -> tuple[str, ...]:
    words = []
    for word in split_text(text) or [text]:
        pieces = [word]
        if word not in _KNOWN and not word.isdigit():
            pieces = re.findall(r'\d+|\D+', word)
            known = any(len(piece) > 1 and piece in _KNOWN for piece in pieces)
            if form != 'pieces' and (len(pieces) != 2 or not known):
                pieces = [word]
        words += pieces
    return tuple(words)
