# Control: RGB and the depth of another room, in training and in validation.
_base_ = './amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120.py'
train_dataloader = dict(dataset=dict(type='PermutedRoomsDataset'))
val_dataloader = dict(dataset=dict(type='PermutedRoomsDataset'))
test_dataloader = val_dataloader
