# Trained with holes in depth, and with depth that does not fit the colors. A sample has the same
# damage in every epoch in which it has any. In half of the batches, RGB and depth exchange nothing.
_base_ = './amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120.py'
holes = dict(type='DepthHoles', modality='depth', area=0.1)
shifted = dict(type='Misregistration', modality='depth', shift=2)
damage = [dict(type='RandomApply', prob=0.5, transforms=[step]) for step in (holes, shifted)]
train_pipeline = [_base_.train_pipeline[0], *damage, *_base_.train_pipeline[1:]]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
model = dict(train_cfg=dict(exchange_dropout=0.5))
