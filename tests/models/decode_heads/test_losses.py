import numpy as np
import pytest
import torch
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample

from mmamf.models.decode_heads import ModalityEnsembleHead

CE = dict(type='CrossEntropyLoss')
SIGMOID = dict(CE, use_sigmoid=True)
BINARY = [
    SIGMOID,
    dict(type='FocalLoss'),
    dict(type='DiceLoss'),
    dict(type='DiceLoss', naive_dice=True),
    dict(type='LovaszLoss', loss_type='binary', reduction='none'),
]
OF_CLASSES = [
    CE,
    SIGMOID,
    dict(type='FocalLoss'),
    dict(type='DiceLoss'),
    dict(type='DiceLoss', use_sigmoid=False),
    dict(type='TverskyLoss'),
    dict(type='LovaszLoss', reduction='none'),
    dict(type='LovaszLoss', per_image=True),
]
HUASDORFF = dict(type='HuasdorffDisstanceLoss')


def build(loss, num_classes=3, **kwargs):
    head = dict(
        type='FCNHead',
        in_channels=4,
        channels=4,
        num_convs=1,
        concat_input=False,
        num_classes=num_classes,
        norm_cfg=dict(type='BN'),
        loss_decode=loss,
        **kwargs,
    )
    return ModalityEnsembleHead(2, head).head


def build_binary(loss):
    return build(loss, 2, out_channels=1, threshold=0.5)


def loss_of(head, logits, label):
    sample = SegDataSample(gt_sem_seg=PixelData(data=label[None]))
    losses = head.loss_by_feat(logits, [sample])
    return sum(value for name, value in losses.items() if 'loss' in name).sum()


@pytest.mark.parametrize('loss', BINARY)
def test_a_binary_head_learns_class_1(loss):
    logits = torch.zeros(1, 1, 6, 6, requires_grad=True)
    label = torch.zeros(6, 6, dtype=torch.long)
    label[3:], label[0] = 1, 255
    loss_of(build_binary(loss), logits, label).backward()
    gradient = logits.grad[0, 0]
    assert gradient[3:].mean() < 0 < gradient[1:3].mean() and (gradient[0] == 0).all()


@pytest.mark.parametrize(
    ('loss', 'channels'), [(loss, 3) for loss in OF_CLASSES] + [(HUASDORFF, 2)]
)
def test_ignored_pixels_do_not_count(loss, channels):
    torch.manual_seed(0)
    head, label = build(loss, channels), torch.randint(0, channels, (6, 6))
    label[:3] = 255
    logits = torch.randn(1, channels, 6, 6)
    other = logits.clone()
    other[:, :, :3] = torch.randn(1, channels, 3, 6)
    other.requires_grad_()
    value = loss_of(head, other, label)
    value.backward()
    assert value.item() == pytest.approx(loss_of(head, logits, label).item())
    assert (other.grad[:, :, :3] == 0).all() and other.grad.any()


@pytest.mark.parametrize('loss', [*OF_CLASSES, dict(type='LovaszLoss', per_image=True)])
def test_an_image_without_labels_that_count(loss):
    logits = torch.randn(1, 3, 4, 4)
    assert loss_of(build(loss), logits, torch.full((4, 4), 255)).isfinite()


def test_dice_of_all_classes_is_that_of_mmseg():
    logits, label = torch.randn(1, 3, 6, 6), torch.randint(0, 3, (6, 6))
    probabilities = logits[0].sigmoid()
    one_hot = torch.stack([label == index for index in range(3)]).float()
    overlap = 2 * (probabilities * one_hot).sum()
    total = probabilities.square().sum() + one_hot.sum() + 2e-3
    value = loss_of(build(dict(type='DiceLoss')), logits, label)
    assert value.item() == pytest.approx(1 - (overlap / total).item(), rel=1e-5)


@pytest.mark.parametrize(
    ('loss', 'message'),
    [
        (dict(type='DiceLoss', use_sigmoid=False), 'DiceLoss: .*got use_sigmoid=False: use Cross'),
        (dict(type='TverskyLoss'), 'TverskyLoss: .*got one over all classes: use CrossEntropy'),
        (HUASDORFF, 'HuasdorffDisstanceLoss: .*got one over all classes: use CrossEntropyLoss'),
        (dict(type='LovaszLoss', per_image=True), "got loss_type='multi_class': use CrossEntropy"),
    ],
)
def test_refused_by_a_binary_head(loss, message):
    with pytest.raises(ValueError, match=f'loss_decode of type .*{message}'):
        build_binary([SIGMOID, loss])


@pytest.mark.parametrize(
    ('loss', 'message'),
    [
        (dict(CE, loss_name='ce'), "CrossEntropyLoss: expected a loss_name with 'loss' in it"),
        (
            dict(type='OhemCrossEntropy'),
            'without weight and ignore_index. To train on hard .*OHEMPixelSam',
        ),
        (dict(type='BoundaryLoss'), 'BoundaryLoss: .* without weight and ignore_index'),
        (dict(type='SiLogLoss'), 'SiLogLoss: .* without ignore_index'),
        (HUASDORFF, 'HuasdorffDisstanceLoss: expected a head of 2 classes, .* got 3'),
        (dict(type='FocalLoss', alpha=[0.5, 0.5]), r'alpha of FocalLoss: expected 3 number'),
        (dict(CE, class_weight=[1.0, 2.0]), r'class_weight of CrossEntropyLoss: expected 3 number'),
        (dict(CE, class_weight=[1.0, -1.0, 1.0]), r'class_weight of Cross.*expected numbers >= 0'),
        (dict(CE, class_weight=[0, 0, 0]), r'expected numbers >= 0, at least one > 0, got \[0.0'),
        (dict(CE, class_weight=[1, float('nan'), 0]), r'expected numbers >= 0.*nan'),
    ],
)
def test_refused_when_it_is_built(loss, message):
    with pytest.raises(ValueError, match=f'loss_decode.*{message}'):
        build(loss)


def test_files_of_class_weights(tmp_path):
    path = tmp_path / 'weights.npy'
    loss = dict(CE, class_weight=str(path))
    with pytest.raises(FileNotFoundError, match='loss_decode.class_weight of Cross.*weights.npy'):
        build([loss])
    np.save(path, [1.0, 2.0, 3.0])
    assert [*build(loss).loss_decode.class_weight] == [1, 2, 3]
