# SUN RGB-D: color, and depth in millimeters.
_base_ = './rgb_depth.py'
rgb = dict(suffix='.jpg', interpolation='bicubic')  # as the authors resize
depth = dict(scale=1 / 1000, mean=[0.0], std=[1.0])
