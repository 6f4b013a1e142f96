# CMX with two MiT-B0, its own modules for the exchange, and one MLP decoder. Everything else is as
# in ours.py. `model.backbone.checkout` is the folder of its authors' code.
_base_ = './ours.py'
model = dict(
    type='EncoderDecoder',
    backbone=dict(_delete_=True, type='CMX', checkout='', encoder='mit_b0', num_classes=14),
    decode_head=dict(
        _delete_=True,
        type='ReadyLogitsHead',
        num_classes=14,
        loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True),
    ),
)
