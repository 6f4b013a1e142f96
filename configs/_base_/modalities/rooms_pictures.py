# The rooms as images of 0..255, for translation.
_base_ = './rooms.py'
depth = dict(scale=255 / 6000)  # the camera's range is 5.5 m, plus noise
