# A light network for small machines: MobileNetV2, fused around the depthwise convolution of each
# stage's last block, and SegFormer's decoder with 64 channels. A config sets its modalities in
# data_preprocessor.modalities.
model = dict(
    type='MultimodalSegmentor',
    data_preprocessor=dict(type='MultimodalSegDataPreprocessor'),
    backbone=dict(
        type='SharedMultimodalBackbone',
        backbone=dict(type='MobileNetV2', out_indices=(1, 2, 4, 6), norm_cfg=dict(type='BN')),
        fusion=dict(type='ChannelShufflePixelShiftFusion'),
        fuse_at=['layer2.1.conv.1', 'layer3.2.conv.1', 'layer5.2.conv.1', 'layer7.0.conv.1'],
    ),
    decode_head=dict(
        type='ModalityEnsembleHead',
        head=dict(
            type='SegformerHead',
            in_channels=[24, 32, 96, 320],
            in_index=[0, 1, 2, 3],
            channels=64,
            num_classes=14,
            dropout_ratio=0.1,
            norm_cfg=dict(type='BN'),
            align_corners=False,
            loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True),
        ),
    ),
    train_cfg=dict(),
    test_cfg=dict(mode='whole'),
)
