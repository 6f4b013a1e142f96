# The paper's recipe: SGD in three stages of 100 epochs. Encoder and decoder have their own learning
# rates (alpha of the ensemble belongs to the decoder). All parameters have weight decay.
#
# Differences in the authors' code, and their size for 795 images in batches of 6:
# - It makes new optimizers for every stage, which resets the momentum. Here the momentum continues:
#   after each of the two borders, the updates of the stage before add up to 9 more steps of their
#   size (0.9 + 0.9^2 + ...). From the 44th of the stage's 13,200 iterations on, they add less than
#   1 % of a step.
# - It drops the last, incomplete batch: 132 iterations an epoch. mmengine keeps it (133, the last
#   one of 3 images) unless the data's config says train_dataloader=dict(drop_last=True).
encoder_lrs = [5e-4, 2.5e-4, 1e-4]
decoder_lrs = [3e-3, 1.5e-3, 7e-4]
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=decoder_lrs[0], momentum=0.9, weight_decay=1e-5),
    paramwise_cfg=dict(custom_keys=dict(backbone=dict(stage_lrs=encoder_lrs))),
)
param_scheduler = dict(type='StagedLR', stage_lrs=decoder_lrs, milestones=[100, 200])
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=300, val_interval=5)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
