# The same ResNet-18, with the fusion behind its four stages in place of inside their last blocks.
_base_ = './amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120.py'
model = dict(
    backbone=dict(
        _delete_=True,
        type='SharedMultimodalBackbone',
        backbone=dict(type='ResNet', depth=18, stem_channels=32, base_channels=32),
        fusion=dict(type='ChannelShufflePixelShiftFusion'),
    )
)
