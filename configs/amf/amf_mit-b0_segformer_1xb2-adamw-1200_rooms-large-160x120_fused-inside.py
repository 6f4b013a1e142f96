# Fused around the last block of each stage, not behind the stage.
_base_ = './amf_mit-b0_segformer_1xb2-adamw-1200_rooms-large-160x120.py'
model = dict(backbone=dict(fuse_at=['layers.*.1.1']))
