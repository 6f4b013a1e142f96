# The paper's recipe for its deepest encoder, ResNet-152: stages of 150 epochs.
_base_ = './sgd_3x100e.py'
param_scheduler = dict(milestones=[150, 300])
train_cfg = dict(max_epochs=450)
