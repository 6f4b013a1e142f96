# The paper's network: one ResNet-50 with private norms, fused in the last block of every stage, and
# a RefineNet decoder. A config sets its modalities in data_preprocessor.modalities.
model = dict(
    type='MultimodalSegmentor',
    data_preprocessor=dict(type='MultimodalSegDataPreprocessor'),
    backbone=dict(
        type='SharedMultimodalResNet',
        depth=50,
        fusion=dict(type='ChannelShufflePixelShiftFusion'),
        norm_eval=True,
        init_cfg=dict(type='Pretrained', checkpoint='torchvision://resnet50'),
    ),
    decode_head=dict(
        type='ModalityEnsembleHead',
        head=dict(
            type='RefineNetHead',
            in_channels=[256, 512, 1024, 2048],
            in_index=[0, 1, 2, 3],
            num_classes=40,
            loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True),
        ),
    ),
    train_cfg=dict(),
    test_cfg=dict(mode='whole'),
)
