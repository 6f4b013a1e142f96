# Color, and depth of 16 bits in which 0 is no reading. A child says what the numbers mean.
_base_ = './rgb.py'
depth = dict(name='depth', kind='depth', channels=1, dtype='uint16', missing=0)
