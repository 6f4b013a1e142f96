# With the budget of amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120.py, to compare.
_base_ = './amf_mit-b0_segformer_1xb4-adamw-1200_rooms-160x120.py'
train_dataloader = dict(batch_size=2, dataset=dict(data_root='data/rooms-large/train'))
val_dataloader = test_dataloader = dict(dataset=dict(data_root='data/rooms-large/val'))
train_cfg = dict(val_interval=400)
default_hooks = dict(checkpoint=dict(interval=400))
