# The paper's network: one ResNet-50 with private norms, fused in the last block of every stage,
# and a RefineNet decoder, for RGB and depth.
num_modalities = 2
rgb = dict(
    name='rgb',
    channels=3,
    mean=[123.675, 116.28, 103.53],
    std=[58.395, 57.12, 57.375],
    bgr_to_rgb=True,
)
# The authors divide the file's number by 5000, which gives meters, and that is all; so a pixel
# without a reading is 0 m (fill).
depth = dict(name='depth', channels=1, scale=1 / 5000, mean=[0.0], std=[1.0], fill=0)
data_preprocessor = dict(
    type='MultimodalSegDataPreProcessor',
    modalities=[rgb, depth],
    pad_val=0,
    seg_pad_val=255,
)
model = dict(
    type='MultimodalSegmentor',
    data_preprocessor=data_preprocessor,
    backbone=dict(
        type='SharedMultimodalResNet',
        depth=50,
        num_modalities=num_modalities,
        fusion=dict(type='ChannelShufflePixelShiftFusion'),
        norm_eval=True,
        init_cfg=dict(type='Pretrained', checkpoint='torchvision://resnet50'),
    ),
    decode_head=dict(
        type='ModalityEnsembleHead',
        num_modalities=num_modalities,
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
