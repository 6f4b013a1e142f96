# The modalities of the rooms, in the order in which `tools/render_rooms.py` writes them. The
# statistics of normal and shade are over the 1200 training images of data/rooms-large. Red, green
# and blue of normal are x, y and z.
_base_ = './rgb_depth.py'
# Millimeters in the file, meters in the network.
depth = dict(scale=1 / 1000, mean=[2.5], std=[1.5])
normal = dict(
    name='normal',
    kind='normal',
    channels=3,
    dtype='uint8',
    mean=[127.7, 133.1, 180.3],
    std=[65.9, 78.0, 54.9],
    bgr_to_rgb=True,
)
shade = dict(name='shade', channels=1, dtype='uint8', mean=[135.7], std=[49.4])
texture_edge = dict(name='texture_edge', kind='edge', channels=1, dtype='uint8')
occlusion_edge = dict(name='occlusion_edge', kind='edge', channels=1, dtype='uint8')
