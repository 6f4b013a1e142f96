# MobileNetV2 from scratch, and a narrow RefineNet decoder. The fusion is behind the stages. A
# config sets its modalities in data_preprocessor.modalities.
_base_ = './amf_r18_refinenet.py'
model = dict(
    backbone=dict(
        _delete_=True,
        type='SharedMultimodalBackbone',
        backbone=dict(type='MobileNetV2', out_indices=(1, 2, 4, 6), norm_cfg=dict(type='BN')),
        fusion=dict(type='ChannelShufflePixelShiftFusion'),
    ),
    decode_head=dict(head=dict(in_channels=[24, 32, 96, 320])),
)
