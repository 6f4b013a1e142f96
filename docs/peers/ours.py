# MiT-B0 with private norms, fused behind its stages, and SegFormer's head for each modality.
# The process that trains also loads the images, so that its CPU time counts all work.
_base_ = '../../configs/amf/amf_mit-b0_segformer_1xb2-adamw-1200_rooms-large-160x120.py'
custom_imports = dict(
    imports=[
        'mmamf',
        'mmamf.benchmarks.peers.cmx',
        'mmamf.benchmarks.peers.ready_logits_head',
        'mmamf.benchmarks.peers.training_clock_hook',
    ]
)
train_cfg = dict(val_interval=240)  # a fifth of the 1200 iterations
default_hooks = dict(checkpoint=dict(interval=1200, save_best=None))
custom_hooks = [dict(type='TrainingClockHook')]
train_dataloader = dict(num_workers=0, persistent_workers=False)
val_dataloader = test_dataloader = dict(num_workers=0, persistent_workers=False)
