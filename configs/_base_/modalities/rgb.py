# Color in 8 bits, with ImageNet's mean and standard deviation.
rgb = dict(
    name='rgb',
    channels=3,
    dtype='uint8',
    mean=[123.675, 116.28, 103.53],
    std=[58.395, 57.12, 57.375],
    bgr_to_rgb=True,
)
