# UPerNet on Swin-T for RGB and depth: one transformer with private layer norms, its outputs fused.
_base_ = './amf_r50_refinenet.py'  # for the modalities
model = dict(
    backbone=dict(
        _delete_=True,
        type='SharedMultimodalBackbone',
        num_modalities={{_base_.num_modalities}},
        backbone=dict(
            type='SwinTransformer',
            embed_dims=96,
            depths=[2, 2, 6, 2],
            num_heads=[3, 6, 12, 24],
            window_size=7,
            drop_path_rate=0.3,
            init_cfg=dict(
                type='Pretrained',
                checkpoint='https://download.openmmlab.com/mmsegmentation/v0.5/pretrain/swin/'
                'swin_tiny_patch4_window7_224_20220317-1cdeb081.pth',
            ),
        ),
        fusion=dict(type='ChannelShufflePixelShiftFusion'),
    ),
    decode_head=dict(
        head=dict(
            _delete_=True,
            type='UPerHead',
            in_channels=[96, 192, 384, 768],
            in_index=[0, 1, 2, 3],
            channels=512,
            num_classes=40,
            dropout_ratio=0.1,
            norm_cfg=dict(type='SyncBN'),
            align_corners=False,
            loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True),
        ),
    ),
    auxiliary_head=dict(
        type='ModalityEnsembleHead',
        num_modalities={{_base_.num_modalities}},
        head=dict(
            type='FCNHead',
            in_channels=384,
            in_index=2,
            channels=256,
            num_convs=1,
            concat_input=False,
            num_classes=40,
            dropout_ratio=0.1,
            norm_cfg=dict(type='SyncBN'),
            align_corners=False,
            loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True, loss_weight=0.4),
        ),
    ),
)
