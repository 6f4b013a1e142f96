# Depth of the rooms, for networks whose base is made for NYUDv2.
rooms_depth = dict(name='depth', channels=1, scale=1 / 1000, mean=[2.5], std=[1.5])  # meters
