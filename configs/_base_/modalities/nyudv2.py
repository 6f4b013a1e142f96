# NYUDv2: color, and depth in 1/5000 m. The authors divide depth by 5000, which gives meters, and do
# not normalize it further. So a pixel without a reading is 0 m (fill).
_base_ = './rgb_depth.py'
rgb = dict(interpolation='bicubic')  # as the authors resize
depth = dict(scale=1 / 5000, mean=[0.0], std=[1.0], fill=0)
