# Cityscapes: color, and depth in centimeters. A street is ten times as deep as a room, so the
# network's unit is 10 m.
_base_ = './rgb_depth.py'
rgb = dict(interpolation='bicubic')  # as the authors resize
depth = dict(scale=1 / 1000, mean=[0.0], std=[1.0])
