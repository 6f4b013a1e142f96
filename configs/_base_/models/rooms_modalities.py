# How the modalities of the rooms are normalized. A config with M of them names them and no number:
#   modalities = ['rgb', 'depth', 'normal', 'shade']
#   specs = [_base_[name] for name in modalities]
_base_ = './rooms_depth.py'
rgb = dict(
    name='rgb',
    channels=3,
    mean=[123.675, 116.28, 103.53],
    std=[58.395, 57.12, 57.375],
    bgr_to_rgb=True,
)
depth = {{_base_.rooms_depth}}
# over the 1200 training images of data/rooms-large; x, y and z in red, green and blue
normal = dict(
    name='normal',
    channels=3,
    mean=[127.7, 133.1, 180.3],
    std=[65.9, 78.0, 54.9],
    bgr_to_rgb=True,
)
shade = dict(name='shade', channels=1, mean=[135.7], std=[49.4])
