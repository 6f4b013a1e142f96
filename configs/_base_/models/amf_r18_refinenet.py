# A small relative of the paper's network, to be trained from scratch in minutes on a CPU:
# ResNet-18 of half the width, a narrow RefineNet decoder, RGB and depth (in millimeters).
_base_ = './rooms_modalities.py'
num_modalities = 2
data_preprocessor = dict(
    type='MultimodalSegDataPreProcessor',
    modalities=[{{_base_.rgb}}, {{_base_.depth}}],
    pad_val=0,
    seg_pad_val=255,
)
model = dict(
    type='MultimodalSegmentor',
    data_preprocessor=data_preprocessor,
    backbone=dict(
        type='SharedMultimodalResNet',
        depth=18,
        stem_channels=32,
        base_channels=32,
        num_modalities=num_modalities,
        fusion=dict(type='ChannelShufflePixelShiftFusion'),
    ),
    decode_head=dict(
        type='ModalityEnsembleHead',
        num_modalities=num_modalities,
        head=dict(
            type='RefineNetHead',
            widths=(64, 32, 32, 32),
            in_channels=[32, 64, 128, 256],
            in_index=[0, 1, 2, 3],
            num_classes=14,
            dropout_ratio=0.1,
            loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True),
        ),
    ),
    train_cfg=dict(),
    test_cfg=dict(mode='whole'),
)
