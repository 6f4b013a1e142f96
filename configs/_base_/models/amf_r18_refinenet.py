# A small version of the paper's network, which trains from scratch in minutes on a CPU: ResNet-18
# of half the width and a narrow RefineNet decoder. A config sets its modalities in
# data_preprocessor.modalities.
model = dict(
    type='MultimodalSegmentor',
    data_preprocessor=dict(type='MultimodalSegDataPreprocessor'),
    backbone=dict(
        type='SharedMultimodalResNet',
        depth=18,
        stem_channels=32,
        base_channels=32,
        fusion=dict(type='ChannelShufflePixelShiftFusion'),
    ),
    decode_head=dict(
        type='ModalityEnsembleHead',
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
