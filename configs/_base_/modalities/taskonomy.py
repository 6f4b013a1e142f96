# Taskonomy as images of 0..255; TaskonomyDataset knows the folders.
rgb = dict(name='rgb', channels=3, dtype='uint8')
shade = dict(name='shade', channels=3, dtype='uint8')
texture_edge = dict(name='texture_edge', kind='edge', channels=1, dtype='uint16', scale=255 / 11355)
occlusion_edge = dict(
    name='occlusion_edge', kind='edge', channels=1, dtype='uint16', scale=255 / 11584
)
normal = dict(name='normal', kind='normal', channels=3, dtype='uint8')
depth = dict(
    name='depth',
    kind='depth',
    channels=1,
    dtype='uint16',
    missing=65535,
    log=True,
    scale=255 / 11.1,
)
distance = dict(depth, name='distance')
curvature = dict(name='curvature', channels=3, dtype='uint8')
