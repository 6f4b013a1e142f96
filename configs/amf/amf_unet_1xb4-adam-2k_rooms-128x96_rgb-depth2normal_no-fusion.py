# Both inputs in the shared network, without exchange of features.
_base_ = './amf_unet_1xb4-adam-2k_rooms-128x96_rgb-depth2normal.py'
model = dict(generator=dict(fusion=None))
