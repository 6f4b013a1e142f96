# MFNet: color, and thermal infrared of 8 bits.
_base_ = './rgb.py'
rgb = dict(interpolation='bicubic')  # as the authors resize
thermal = dict(name='thermal', channels=1, dtype='uint8', scale=1 / 255, mean=[0.0], std=[1.0])
