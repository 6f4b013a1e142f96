# Trained for samples that lack a sensor: a third of them lose RGB, a third depth, none both.
_base_ = './amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120.py'
dropout = dict(type='ModalityDropout', prob=dict(rgb=0.5, depth=0.5))
train_pipeline = [_base_.train_pipeline[0], dropout, *_base_.train_pipeline[1:]]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
