# Cityscapes: color, and depth in centimeters. A street is ten times as deep as a room, so the
# network's unit is 10 m.
rgb = dict(
    name='rgb',
    channels=3,
    dtype='uint8',
    mean=[123.675, 116.28, 103.53],
    std=[58.395, 57.12, 57.375],
    bgr_to_rgb=True,
    interpolation='bicubic',  # as the authors resize
)
depth = dict(
    name='depth',
    kind='depth',
    channels=1,
    dtype='uint16',
    missing=0,
    scale=1 / 1000,
    mean=[0.0],
    std=[1.0],
)
