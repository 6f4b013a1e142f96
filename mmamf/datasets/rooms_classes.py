"""The classes of the rooms data set, in the order of their indices in label maps, and their colors.

The data set class and the generator both read them. The generator does so without `import mmamf`.
"""

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

PALETTE = (  # RGB, 0-255
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
    (0, 255, 230),
    (120, 210, 255),
)
