# The 13 classes of Couprie et al., from the same files.
_base_ = './amf_r50_refinenet_1xb6-sgd-3x100e_nyudv2-500x500.py'
model = dict(decode_head=dict(head=dict(num_classes=13)))
train_dataloader = dict(dataset=dict(type='NYUDv2Dataset13'))
val_dataloader = dict(dataset=dict(type='NYUDv2Dataset13'))
test_dataloader = val_dataloader
