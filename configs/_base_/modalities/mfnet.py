# MFNet: color, and thermal infrared of 8 bits.
rgb = dict(
    name='rgb',
    channels=3,
    dtype='uint8',
    mean=[123.675, 116.28, 103.53],
    std=[58.395, 57.12, 57.375],
    bgr_to_rgb=True,
    interpolation='bicubic',  # as the authors resize
)
thermal = dict(name='thermal', channels=1, dtype='uint8', scale=1 / 255, mean=[0.0], std=[1.0])
