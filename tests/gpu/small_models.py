"""Small models for two modalities, and batches for them, for the tests of devices."""

import torch
from mmengine.config import ConfigDict
from mmengine.optim import build_optim_wrapper
from mmengine.registry import MODELS, DefaultScope
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample
from torch import nn

import mmamf.models  # noqa: F401

NAMES, SIZE, CLASSES = ('rgb', 'depth'), (32, 48), 4
FUSION = dict(type='ChannelShufflePixelShiftFusion')
SGD = dict(type='SGD', lr=0.01)


def make_segmentor(exchange_dropout: float = 0, norm: str = 'ModalitySpecificBN', **test_cfg):
    described = [
        dict(name='rgb', channels=3, mean=[120.0] * 3, std=[60.0] * 3),
        dict(name='depth', channels=1, mean=[120.0], std=[60.0], optional=True),
    ]
    head = dict(
        type='FCNHead',
        in_channels=64,
        in_index=3,
        channels=8,
        num_convs=1,
        concat_input=False,
        dropout_ratio=0,
        num_classes=CLASSES,
        norm_cfg=dict(type='BN'),
        loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True),
    )
    torch.manual_seed(0)
    cfg = dict(
        type='MultimodalSegmentor',
        data_preprocessor=dict(type='MultimodalSegDataPreprocessor', modalities=described),
        backbone=dict(
            type='SharedMultimodalResNet',
            depth=18,
            base_channels=8,
            stem_channels=8,
            norm_cfg=dict(type=norm),
            fusion=FUSION,
        ),
        decode_head=dict(type='ModalityEnsembleHead', head=head),
        train_cfg=dict(exchange_dropout=exchange_dropout),
        test_cfg=dict(dict(mode='whole'), **test_cfg),
    )
    return MODELS.build(ConfigDict(cfg))


def make_batch(absent: bool = False, count: int = 3) -> dict:
    """Draw images, labels with ignored pixels, and in the second sample, perhaps no depth."""
    draw = torch.Generator().manual_seed(0)
    samples = []
    for index in range(count):
        meta = dict(img_path=f'{index}.png', modalities=NAMES, ori_shape=SIZE, img_shape=SIZE)
        if absent and index == 1:
            meta['present'] = ('rgb',)
        label = torch.randint(0, CLASSES, (1, *SIZE), dtype=torch.uint8, generator=draw)
        label[:, :3] = 255
        samples.append(SegDataSample(metainfo=meta, gt_sem_seg=PixelData(data=label)))
    images = [255 * torch.rand(4, *SIZE, generator=draw) for _ in samples]
    return dict(inputs=images, data_samples=samples)


def make_translator() -> nn.Module:
    torch.manual_seed(0)
    generator = dict(
        type='SharedMultimodalUnetGenerator',
        num_modalities=2,
        base_channels=4,
        image_size=64,
        fusion=FUSION,
        dropout=0,
    )
    return MODELS.build(
        dict(
            type='MultimodalPix2Pix',
            generator=generator,
            discriminator=dict(
                type='MultimodalPatchDiscriminator', num_modalities=2, base_channels=4
            ),
            data_preprocessor=dict(type='MultimodalTranslationDataPreprocessor'),
        )
    )


def make_translation_batch(count: int = 2) -> dict:
    from mmagic.structures import DataSample

    draw = torch.Generator().manual_seed(0)
    images = [255 * torch.rand(9, 64, 64, generator=draw) for _ in range(count)]
    samples = [DataSample(gt_img=image[6:], metainfo=dict(modalities=NAMES)) for image in images]
    return dict(inputs=[image[:6] for image in images], data_samples=samples)


def make_optimizer(model: nn.Module):
    wrapper = dict(type='OptimWrapper', optimizer=SGD)
    if not hasattr(model, 'generator'):
        return build_optim_wrapper(model, wrapper)
    two = dict(generator=wrapper, discriminator=wrapper)
    with DefaultScope.overwrite_default_scope('mmagic'):
        return build_optim_wrapper(model, dict(constructor='MultiOptimWrapperConstructor', **two))
