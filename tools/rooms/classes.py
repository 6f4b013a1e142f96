"""Classes and modalities of the rooms data set, in the order of their file values and folders."""

CLASSES = (
    'floor',
    'wall',
    'ceiling',
    'table',
    'chair',
    'bed',
    'sofa',
    'cabinet',
    'lamp',
    'plant',
    'picture',
    'rug',
    'door',
    'window',
)

PALETTE = (
    (140, 110, 80),
    (200, 200, 190),
    (110, 120, 140),
    (230, 130, 30),
    (220, 40, 40),
    (70, 90, 220),
    (150, 60, 180),
    (90, 60, 40),
    (255, 230, 50),
    (40, 160, 60),
    (240, 110, 190),
    (120, 20, 60),
    (30, 200, 170),
    (120, 210, 255),
)

IGNORE = 255  # no class, in label maps

MODALITIES = ('rgb', 'depth', 'normal', 'shade', 'texture_edge', 'occlusion_edge')

LABEL = 'label'
FOLDERS = (*MODALITIES, LABEL)
