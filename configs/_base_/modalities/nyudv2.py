# NYUDv2: color, and depth in 1/5000 m. The authors divide depth by 5000, which gives meters, and do
# not normalize it further. So a pixel without a reading is 0 m (fill).
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
    scale=1 / 5000,
    mean=[0.0],
    std=[1.0],
    fill=0,
)
