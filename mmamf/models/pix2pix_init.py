"""How pix2pix starts its networks, in mmengine's terms."""

PIX2PIX_INIT = [
    {'type': 'Normal', 'layer': ['Conv2d', 'ConvTranspose2d'], 'std': 0.02},
    {'type': 'Normal', 'layer': 'InstanceNorm2d', 'mean': 1, 'std': 0.02},
]
