# Damage of the depth sensor, for `tools/analysis/robustness.py --ladder`.
ladder = [
    dict(
        name='depth_holes',
        title='holes in depth',
        unit='share of the image',
        argument='area',
        levels=[0.05, 0.1, 0.25],
        transform=dict(type='DepthHoles', modality='depth', seed=1),
    ),
    dict(
        name='depth_shifted',
        title='depth shifted against RGB',
        unit='px',
        argument='shift',
        levels=[1, 2, 4],
        transform=dict(type='Misregistration', modality='depth', seed=1),
    ),
    dict(
        name='depth_dead',
        title='depth dead',
        unit='value of every pixel',
        argument='fill',
        levels=[0],
        labels=['zero'],
        transform=dict(type='DeadModality', modality='depth'),
    ),
]
