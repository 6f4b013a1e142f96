# SegNeXt-T: a network of large kernels with private norms, fused after its stages.
model = dict(
    type='MultimodalSegmentor',
    data_preprocessor=dict(type='MultimodalSegDataPreprocessor'),
    backbone=dict(
        type='SharedMultimodalBackbone',
        backbone=dict(
            type='MSCAN',
            embed_dims=[32, 64, 160, 256],
            mlp_ratios=[8, 8, 4, 4],
            depths=[3, 3, 5, 2],
            drop_path_rate=0.1,
            init_cfg=dict(
                type='Pretrained',
                checkpoint='https://download.openmmlab.com/mmsegmentation/v0.5/pretrain/segnext/'
                'mscan_t_20230227-119e8c9f.pth',
            ),
        ),
        fusion=dict(type='ChannelShufflePixelShiftFusion'),
    ),
    decode_head=dict(
        type='ModalityEnsembleHead',
        head=dict(
            type='LightHamHead',
            in_channels=[64, 160, 256],
            in_index=[1, 2, 3],
            channels=256,
            ham_channels=256,
            ham_kwargs=dict(
                MD_S=1, MD_R=16, train_steps=6, eval_steps=7, inv_t=100, rand_init=True
            ),
            num_classes=40,
            dropout_ratio=0.1,
            norm_cfg=dict(type='GN', num_groups=32),
            align_corners=False,
            loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True),
        ),
    ),
    train_cfg=dict(),
    test_cfg=dict(mode='whole'),
)
