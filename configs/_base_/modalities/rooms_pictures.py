# The rooms as pictures of 0..255, for translation.
_base_ = './rooms.py'
depth = dict(scale=255 / 6000)  # the camera reaches 5.5 m, and its noise somewhat farther
