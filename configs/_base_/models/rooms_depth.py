# Depth of the rooms, for networks whose base is made for NYUDv2.
#
# fill=0: a pixel without a reading was fed as 0 m when the published numbers were measured; without
# it, it is fed as the mean.
rooms_depth = dict(  # meters
    name='depth', channels=1, scale=1 / 1000, mean=[2.5], std=[1.5], fill=0
)
