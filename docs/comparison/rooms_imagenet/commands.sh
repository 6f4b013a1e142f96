#!/bin/sh
# Every run of the sweep, each a process with one thread.
set -e
export OMP_NUM_THREADS=1 MKL_NUM_THREADS=1

# Channel shuffle and pixel shift: no fusion
python tools/train.py configs/amf/amf_mobilenet-v2-in1k-pre_refinenet_1xb2-adamw-600_rooms-large-160x120.py --work-dir work_dirs/rooms_imagenet/none-0 --cfg-options model.backbone.fusion=None randomness.seed=0
python tools/train.py configs/amf/amf_mobilenet-v2-in1k-pre_refinenet_1xb2-adamw-600_rooms-large-160x120.py --work-dir work_dirs/rooms_imagenet/none-1 --cfg-options model.backbone.fusion=None randomness.seed=1
python tools/train.py configs/amf/amf_mobilenet-v2-in1k-pre_refinenet_1xb2-adamw-600_rooms-large-160x120.py --work-dir work_dirs/rooms_imagenet/none-2 --cfg-options model.backbone.fusion=None randomness.seed=2
python tools/train.py configs/amf/amf_mobilenet-v2-in1k-pre_refinenet_1xb2-adamw-600_rooms-large-160x120.py --work-dir work_dirs/rooms_imagenet/none-3 --cfg-options model.backbone.fusion=None randomness.seed=3
python tools/train.py configs/amf/amf_mobilenet-v2-in1k-pre_refinenet_1xb2-adamw-600_rooms-large-160x120.py --work-dir work_dirs/rooms_imagenet/none-4 --cfg-options model.backbone.fusion=None randomness.seed=4

# Channel shuffle and pixel shift: shuffle and shift (ours)
python tools/train.py configs/amf/amf_mobilenet-v2-in1k-pre_refinenet_1xb2-adamw-600_rooms-large-160x120.py --work-dir work_dirs/rooms_imagenet/ours-0 --cfg-options randomness.seed=0
python tools/train.py configs/amf/amf_mobilenet-v2-in1k-pre_refinenet_1xb2-adamw-600_rooms-large-160x120.py --work-dir work_dirs/rooms_imagenet/ours-1 --cfg-options randomness.seed=1
python tools/train.py configs/amf/amf_mobilenet-v2-in1k-pre_refinenet_1xb2-adamw-600_rooms-large-160x120.py --work-dir work_dirs/rooms_imagenet/ours-2 --cfg-options randomness.seed=2
python tools/train.py configs/amf/amf_mobilenet-v2-in1k-pre_refinenet_1xb2-adamw-600_rooms-large-160x120.py --work-dir work_dirs/rooms_imagenet/ours-3 --cfg-options randomness.seed=3
python tools/train.py configs/amf/amf_mobilenet-v2-in1k-pre_refinenet_1xb2-adamw-600_rooms-large-160x120.py --work-dir work_dirs/rooms_imagenet/ours-4 --cfg-options randomness.seed=4

# Channel shuffle and pixel shift: shuffle only
python tools/train.py configs/amf/amf_mobilenet-v2-in1k-pre_refinenet_1xb2-adamw-600_rooms-large-160x120.py --work-dir work_dirs/rooms_imagenet/shuffle-only-0 --cfg-options model.backbone.fusion.type=ShuffleShiftAblation model.backbone.fusion.shift=None randomness.seed=0
python tools/train.py configs/amf/amf_mobilenet-v2-in1k-pre_refinenet_1xb2-adamw-600_rooms-large-160x120.py --work-dir work_dirs/rooms_imagenet/shuffle-only-1 --cfg-options model.backbone.fusion.type=ShuffleShiftAblation model.backbone.fusion.shift=None randomness.seed=1
python tools/train.py configs/amf/amf_mobilenet-v2-in1k-pre_refinenet_1xb2-adamw-600_rooms-large-160x120.py --work-dir work_dirs/rooms_imagenet/shuffle-only-2 --cfg-options model.backbone.fusion.type=ShuffleShiftAblation model.backbone.fusion.shift=None randomness.seed=2

# Channel shuffle and pixel shift: shift only
python tools/train.py configs/amf/amf_mobilenet-v2-in1k-pre_refinenet_1xb2-adamw-600_rooms-large-160x120.py --work-dir work_dirs/rooms_imagenet/shift-only-0 --cfg-options model.backbone.fusion.type=ShuffleShiftAblation model.backbone.fusion.exchange=0 randomness.seed=0
python tools/train.py configs/amf/amf_mobilenet-v2-in1k-pre_refinenet_1xb2-adamw-600_rooms-large-160x120.py --work-dir work_dirs/rooms_imagenet/shift-only-1 --cfg-options model.backbone.fusion.type=ShuffleShiftAblation model.backbone.fusion.exchange=0 randomness.seed=1
python tools/train.py configs/amf/amf_mobilenet-v2-in1k-pre_refinenet_1xb2-adamw-600_rooms-large-160x120.py --work-dir work_dirs/rooms_imagenet/shift-only-2 --cfg-options model.backbone.fusion.type=ShuffleShiftAblation model.backbone.fusion.exchange=0 randomness.seed=2

# Channel shuffle and pixel shift: symmetric exchange of the same share
python tools/train.py configs/amf/amf_mobilenet-v2-in1k-pre_refinenet_1xb2-adamw-600_rooms-large-160x120.py --work-dir work_dirs/rooms_imagenet/symmetric-0 --cfg-options model.backbone.fusion.type=ShuffleShiftAblation model.backbone.fusion.symmetric=True randomness.seed=0
python tools/train.py configs/amf/amf_mobilenet-v2-in1k-pre_refinenet_1xb2-adamw-600_rooms-large-160x120.py --work-dir work_dirs/rooms_imagenet/symmetric-1 --cfg-options model.backbone.fusion.type=ShuffleShiftAblation model.backbone.fusion.symmetric=True randomness.seed=1
python tools/train.py configs/amf/amf_mobilenet-v2-in1k-pre_refinenet_1xb2-adamw-600_rooms-large-160x120.py --work-dir work_dirs/rooms_imagenet/symmetric-2 --cfg-options model.backbone.fusion.type=ShuffleShiftAblation model.backbone.fusion.symmetric=True randomness.seed=2

# Channel shuffle and pixel shift: ours, behind the stages
python tools/train.py configs/amf/amf_mobilenet-v2-in1k-pre_refinenet_1xb2-adamw-600_rooms-large-160x120.py --work-dir work_dirs/rooms_imagenet/behind-0 --cfg-options model.backbone.fuse_at=None randomness.seed=0
python tools/train.py configs/amf/amf_mobilenet-v2-in1k-pre_refinenet_1xb2-adamw-600_rooms-large-160x120.py --work-dir work_dirs/rooms_imagenet/behind-1 --cfg-options model.backbone.fuse_at=None randomness.seed=1
python tools/train.py configs/amf/amf_mobilenet-v2-in1k-pre_refinenet_1xb2-adamw-600_rooms-large-160x120.py --work-dir work_dirs/rooms_imagenet/behind-2 --cfg-options model.backbone.fuse_at=None randomness.seed=2
python tools/train.py configs/amf/amf_mobilenet-v2-in1k-pre_refinenet_1xb2-adamw-600_rooms-large-160x120.py --work-dir work_dirs/rooms_imagenet/behind-3 --cfg-options model.backbone.fuse_at=None randomness.seed=3
python tools/train.py configs/amf/amf_mobilenet-v2-in1k-pre_refinenet_1xb2-adamw-600_rooms-large-160x120.py --work-dir work_dirs/rooms_imagenet/behind-4 --cfg-options model.backbone.fuse_at=None randomness.seed=4

# Encoders: shared convolutions, shared BN, ours
python tools/train.py configs/amf/amf_mobilenet-v2-in1k-pre_refinenet_1xb2-adamw-600_rooms-large-160x120.py --work-dir work_dirs/rooms_imagenet/shared-bn-0 --cfg-options model.backbone.backbone.norm_cfg.type=SharedBN randomness.seed=0
python tools/train.py configs/amf/amf_mobilenet-v2-in1k-pre_refinenet_1xb2-adamw-600_rooms-large-160x120.py --work-dir work_dirs/rooms_imagenet/shared-bn-1 --cfg-options model.backbone.backbone.norm_cfg.type=SharedBN randomness.seed=1
python tools/train.py configs/amf/amf_mobilenet-v2-in1k-pre_refinenet_1xb2-adamw-600_rooms-large-160x120.py --work-dir work_dirs/rooms_imagenet/shared-bn-2 --cfg-options model.backbone.backbone.norm_cfg.type=SharedBN randomness.seed=2
python tools/train.py configs/amf/amf_mobilenet-v2-in1k-pre_refinenet_1xb2-adamw-600_rooms-large-160x120.py --work-dir work_dirs/rooms_imagenet/shared-bn-3 --cfg-options model.backbone.backbone.norm_cfg.type=SharedBN randomness.seed=3
python tools/train.py configs/amf/amf_mobilenet-v2-in1k-pre_refinenet_1xb2-adamw-600_rooms-large-160x120.py --work-dir work_dirs/rooms_imagenet/shared-bn-4 --cfg-options model.backbone.backbone.norm_cfg.type=SharedBN randomness.seed=4

# Encoders: private convolutions, private BN (two encoders), ours
python tools/train.py configs/amf/amf_mobilenet-v2-in1k-pre_refinenet_1xb2-adamw-600_rooms-large-160x120.py --work-dir work_dirs/rooms_imagenet/private-conv-0 --cfg-options model.backbone.backbone.conv_cfg.type=ModalitySpecificConv randomness.seed=0
python tools/train.py configs/amf/amf_mobilenet-v2-in1k-pre_refinenet_1xb2-adamw-600_rooms-large-160x120.py --work-dir work_dirs/rooms_imagenet/private-conv-1 --cfg-options model.backbone.backbone.conv_cfg.type=ModalitySpecificConv randomness.seed=1
python tools/train.py configs/amf/amf_mobilenet-v2-in1k-pre_refinenet_1xb2-adamw-600_rooms-large-160x120.py --work-dir work_dirs/rooms_imagenet/private-conv-2 --cfg-options model.backbone.backbone.conv_cfg.type=ModalitySpecificConv randomness.seed=2
python tools/train.py configs/amf/amf_mobilenet-v2-in1k-pre_refinenet_1xb2-adamw-600_rooms-large-160x120.py --work-dir work_dirs/rooms_imagenet/private-conv-3 --cfg-options model.backbone.backbone.conv_cfg.type=ModalitySpecificConv randomness.seed=3
python tools/train.py configs/amf/amf_mobilenet-v2-in1k-pre_refinenet_1xb2-adamw-600_rooms-large-160x120.py --work-dir work_dirs/rooms_imagenet/private-conv-4 --cfg-options model.backbone.backbone.conv_cfg.type=ModalitySpecificConv randomness.seed=4

# Encoders: two encoders, ours, behind the stages
python tools/train.py configs/amf/amf_mobilenet-v2-in1k-pre_refinenet_1xb2-adamw-600_rooms-large-160x120.py --work-dir work_dirs/rooms_imagenet/private-conv-behind-0 --cfg-options model.backbone.backbone.conv_cfg.type=ModalitySpecificConv model.backbone.fuse_at=None randomness.seed=0
python tools/train.py configs/amf/amf_mobilenet-v2-in1k-pre_refinenet_1xb2-adamw-600_rooms-large-160x120.py --work-dir work_dirs/rooms_imagenet/private-conv-behind-1 --cfg-options model.backbone.backbone.conv_cfg.type=ModalitySpecificConv model.backbone.fuse_at=None randomness.seed=1
python tools/train.py configs/amf/amf_mobilenet-v2-in1k-pre_refinenet_1xb2-adamw-600_rooms-large-160x120.py --work-dir work_dirs/rooms_imagenet/private-conv-behind-2 --cfg-options model.backbone.backbone.conv_cfg.type=ModalitySpecificConv model.backbone.fuse_at=None randomness.seed=2
python tools/train.py configs/amf/amf_mobilenet-v2-in1k-pre_refinenet_1xb2-adamw-600_rooms-large-160x120.py --work-dir work_dirs/rooms_imagenet/private-conv-behind-3 --cfg-options model.backbone.backbone.conv_cfg.type=ModalitySpecificConv model.backbone.fuse_at=None randomness.seed=3
python tools/train.py configs/amf/amf_mobilenet-v2-in1k-pre_refinenet_1xb2-adamw-600_rooms-large-160x120.py --work-dir work_dirs/rooms_imagenet/private-conv-behind-4 --cfg-options model.backbone.backbone.conv_cfg.type=ModalitySpecificConv model.backbone.fuse_at=None randomness.seed=4

# Encoders: two encoders, no fusion
python tools/train.py configs/amf/amf_mobilenet-v2-in1k-pre_refinenet_1xb2-adamw-600_rooms-large-160x120.py --work-dir work_dirs/rooms_imagenet/private-conv-none-0 --cfg-options model.backbone.backbone.conv_cfg.type=ModalitySpecificConv model.backbone.fusion=None randomness.seed=0
python tools/train.py configs/amf/amf_mobilenet-v2-in1k-pre_refinenet_1xb2-adamw-600_rooms-large-160x120.py --work-dir work_dirs/rooms_imagenet/private-conv-none-1 --cfg-options model.backbone.backbone.conv_cfg.type=ModalitySpecificConv model.backbone.fusion=None randomness.seed=1
python tools/train.py configs/amf/amf_mobilenet-v2-in1k-pre_refinenet_1xb2-adamw-600_rooms-large-160x120.py --work-dir work_dirs/rooms_imagenet/private-conv-none-2 --cfg-options model.backbone.backbone.conv_cfg.type=ModalitySpecificConv model.backbone.fusion=None randomness.seed=2

# One modality, twice the iterations: RGB alone
python tools/train.py configs/amf/amf_mobilenet-v2-in1k-pre_refinenet_1xb2-adamw-1200_rooms-large-160x120_rgb.py --work-dir work_dirs/rooms_imagenet/rgb-0 --cfg-options randomness.seed=0
python tools/train.py configs/amf/amf_mobilenet-v2-in1k-pre_refinenet_1xb2-adamw-1200_rooms-large-160x120_rgb.py --work-dir work_dirs/rooms_imagenet/rgb-1 --cfg-options randomness.seed=1
python tools/train.py configs/amf/amf_mobilenet-v2-in1k-pre_refinenet_1xb2-adamw-1200_rooms-large-160x120_rgb.py --work-dir work_dirs/rooms_imagenet/rgb-2 --cfg-options randomness.seed=2

# One modality, twice the iterations: depth alone
python tools/train.py configs/amf/amf_mobilenet-v2-in1k-pre_refinenet_1xb2-adamw-1200_rooms-large-160x120_depth.py --work-dir work_dirs/rooms_imagenet/depth-0 --cfg-options randomness.seed=0
python tools/train.py configs/amf/amf_mobilenet-v2-in1k-pre_refinenet_1xb2-adamw-1200_rooms-large-160x120_depth.py --work-dir work_dirs/rooms_imagenet/depth-1 --cfg-options randomness.seed=1
python tools/train.py configs/amf/amf_mobilenet-v2-in1k-pre_refinenet_1xb2-adamw-1200_rooms-large-160x120_depth.py --work-dir work_dirs/rooms_imagenet/depth-2 --cfg-options randomness.seed=2
python tools/train.py configs/amf/amf_mobilenet-v2-in1k-pre_refinenet_1xb2-adamw-1200_rooms-large-160x120_depth.py --work-dir work_dirs/rooms_imagenet/depth-3 --cfg-options randomness.seed=3
python tools/train.py configs/amf/amf_mobilenet-v2-in1k-pre_refinenet_1xb2-adamw-1200_rooms-large-160x120_depth.py --work-dir work_dirs/rooms_imagenet/depth-4 --cfg-options randomness.seed=4

# One modality, as many iterations: RGB alone
python tools/train.py configs/amf/amf_mobilenet-v2-in1k-pre_refinenet_1xb2-adamw-1200_rooms-large-160x120_rgb.py --work-dir work_dirs/rooms_imagenet/rgb-updates-0 --cfg-options train_cfg.max_iters=600 train_cfg.val_interval=600 param_scheduler.1.end=600 randomness.seed=0
python tools/train.py configs/amf/amf_mobilenet-v2-in1k-pre_refinenet_1xb2-adamw-1200_rooms-large-160x120_rgb.py --work-dir work_dirs/rooms_imagenet/rgb-updates-1 --cfg-options train_cfg.max_iters=600 train_cfg.val_interval=600 param_scheduler.1.end=600 randomness.seed=1
python tools/train.py configs/amf/amf_mobilenet-v2-in1k-pre_refinenet_1xb2-adamw-1200_rooms-large-160x120_rgb.py --work-dir work_dirs/rooms_imagenet/rgb-updates-2 --cfg-options train_cfg.max_iters=600 train_cfg.val_interval=600 param_scheduler.1.end=600 randomness.seed=2

# One modality, as many iterations: depth alone
python tools/train.py configs/amf/amf_mobilenet-v2-in1k-pre_refinenet_1xb2-adamw-1200_rooms-large-160x120_depth.py --work-dir work_dirs/rooms_imagenet/depth-updates-0 --cfg-options train_cfg.max_iters=600 train_cfg.val_interval=600 param_scheduler.1.end=600 randomness.seed=0
python tools/train.py configs/amf/amf_mobilenet-v2-in1k-pre_refinenet_1xb2-adamw-1200_rooms-large-160x120_depth.py --work-dir work_dirs/rooms_imagenet/depth-updates-1 --cfg-options train_cfg.max_iters=600 train_cfg.val_interval=600 param_scheduler.1.end=600 randomness.seed=1
python tools/train.py configs/amf/amf_mobilenet-v2-in1k-pre_refinenet_1xb2-adamw-1200_rooms-large-160x120_depth.py --work-dir work_dirs/rooms_imagenet/depth-updates-2 --cfg-options train_cfg.max_iters=600 train_cfg.val_interval=600 param_scheduler.1.end=600 randomness.seed=2

# 25 % of the labels (300 rooms): no fusion
python tools/train.py configs/amf/amf_mobilenet-v2-in1k-pre_refinenet_1xb2-adamw-600_rooms-large-160x120.py --work-dir work_dirs/rooms_imagenet/none-25-0 --cfg-options model.backbone.fusion=None train_dataloader.dataset.indices=300 randomness.seed=0
python tools/train.py configs/amf/amf_mobilenet-v2-in1k-pre_refinenet_1xb2-adamw-600_rooms-large-160x120.py --work-dir work_dirs/rooms_imagenet/none-25-1 --cfg-options model.backbone.fusion=None train_dataloader.dataset.indices=300 randomness.seed=1
python tools/train.py configs/amf/amf_mobilenet-v2-in1k-pre_refinenet_1xb2-adamw-600_rooms-large-160x120.py --work-dir work_dirs/rooms_imagenet/none-25-2 --cfg-options model.backbone.fusion=None train_dataloader.dataset.indices=300 randomness.seed=2

# 25 % of the labels (300 rooms): ours
python tools/train.py configs/amf/amf_mobilenet-v2-in1k-pre_refinenet_1xb2-adamw-600_rooms-large-160x120.py --work-dir work_dirs/rooms_imagenet/ours-25-0 --cfg-options train_dataloader.dataset.indices=300 randomness.seed=0
python tools/train.py configs/amf/amf_mobilenet-v2-in1k-pre_refinenet_1xb2-adamw-600_rooms-large-160x120.py --work-dir work_dirs/rooms_imagenet/ours-25-1 --cfg-options train_dataloader.dataset.indices=300 randomness.seed=1
python tools/train.py configs/amf/amf_mobilenet-v2-in1k-pre_refinenet_1xb2-adamw-600_rooms-large-160x120.py --work-dir work_dirs/rooms_imagenet/ours-25-2 --cfg-options train_dataloader.dataset.indices=300 randomness.seed=2

# 25 % of the labels (300 rooms): shared BN, ours
python tools/train.py configs/amf/amf_mobilenet-v2-in1k-pre_refinenet_1xb2-adamw-600_rooms-large-160x120.py --work-dir work_dirs/rooms_imagenet/shared-bn-25-0 --cfg-options model.backbone.backbone.norm_cfg.type=SharedBN train_dataloader.dataset.indices=300 randomness.seed=0
python tools/train.py configs/amf/amf_mobilenet-v2-in1k-pre_refinenet_1xb2-adamw-600_rooms-large-160x120.py --work-dir work_dirs/rooms_imagenet/shared-bn-25-1 --cfg-options model.backbone.backbone.norm_cfg.type=SharedBN train_dataloader.dataset.indices=300 randomness.seed=1
python tools/train.py configs/amf/amf_mobilenet-v2-in1k-pre_refinenet_1xb2-adamw-600_rooms-large-160x120.py --work-dir work_dirs/rooms_imagenet/shared-bn-25-2 --cfg-options model.backbone.backbone.norm_cfg.type=SharedBN train_dataloader.dataset.indices=300 randomness.seed=2

# 25 % of the labels (300 rooms): two encoders, ours
python tools/train.py configs/amf/amf_mobilenet-v2-in1k-pre_refinenet_1xb2-adamw-600_rooms-large-160x120.py --work-dir work_dirs/rooms_imagenet/private-conv-25-0 --cfg-options model.backbone.backbone.conv_cfg.type=ModalitySpecificConv train_dataloader.dataset.indices=300 randomness.seed=0
python tools/train.py configs/amf/amf_mobilenet-v2-in1k-pre_refinenet_1xb2-adamw-600_rooms-large-160x120.py --work-dir work_dirs/rooms_imagenet/private-conv-25-1 --cfg-options model.backbone.backbone.conv_cfg.type=ModalitySpecificConv train_dataloader.dataset.indices=300 randomness.seed=1
python tools/train.py configs/amf/amf_mobilenet-v2-in1k-pre_refinenet_1xb2-adamw-600_rooms-large-160x120.py --work-dir work_dirs/rooms_imagenet/private-conv-25-2 --cfg-options model.backbone.backbone.conv_cfg.type=ModalitySpecificConv train_dataloader.dataset.indices=300 randomness.seed=2

# 25 % of the labels (300 rooms): depth alone, twice the iterations
python tools/train.py configs/amf/amf_mobilenet-v2-in1k-pre_refinenet_1xb2-adamw-1200_rooms-large-160x120_depth.py --work-dir work_dirs/rooms_imagenet/depth-25-0 --cfg-options train_dataloader.dataset.indices=300 randomness.seed=0
python tools/train.py configs/amf/amf_mobilenet-v2-in1k-pre_refinenet_1xb2-adamw-1200_rooms-large-160x120_depth.py --work-dir work_dirs/rooms_imagenet/depth-25-1 --cfg-options train_dataloader.dataset.indices=300 randomness.seed=1
python tools/train.py configs/amf/amf_mobilenet-v2-in1k-pre_refinenet_1xb2-adamw-1200_rooms-large-160x120_depth.py --work-dir work_dirs/rooms_imagenet/depth-25-2 --cfg-options train_dataloader.dataset.indices=300 randomness.seed=2

# 5 % of the labels (60 rooms): no fusion
python tools/train.py configs/amf/amf_mobilenet-v2-in1k-pre_refinenet_1xb2-adamw-600_rooms-large-160x120.py --work-dir work_dirs/rooms_imagenet/none-5-0 --cfg-options model.backbone.fusion=None train_dataloader.dataset.indices=60 randomness.seed=0
python tools/train.py configs/amf/amf_mobilenet-v2-in1k-pre_refinenet_1xb2-adamw-600_rooms-large-160x120.py --work-dir work_dirs/rooms_imagenet/none-5-1 --cfg-options model.backbone.fusion=None train_dataloader.dataset.indices=60 randomness.seed=1
python tools/train.py configs/amf/amf_mobilenet-v2-in1k-pre_refinenet_1xb2-adamw-600_rooms-large-160x120.py --work-dir work_dirs/rooms_imagenet/none-5-2 --cfg-options model.backbone.fusion=None train_dataloader.dataset.indices=60 randomness.seed=2

# 5 % of the labels (60 rooms): ours
python tools/train.py configs/amf/amf_mobilenet-v2-in1k-pre_refinenet_1xb2-adamw-600_rooms-large-160x120.py --work-dir work_dirs/rooms_imagenet/ours-5-0 --cfg-options train_dataloader.dataset.indices=60 randomness.seed=0
python tools/train.py configs/amf/amf_mobilenet-v2-in1k-pre_refinenet_1xb2-adamw-600_rooms-large-160x120.py --work-dir work_dirs/rooms_imagenet/ours-5-1 --cfg-options train_dataloader.dataset.indices=60 randomness.seed=1
python tools/train.py configs/amf/amf_mobilenet-v2-in1k-pre_refinenet_1xb2-adamw-600_rooms-large-160x120.py --work-dir work_dirs/rooms_imagenet/ours-5-2 --cfg-options train_dataloader.dataset.indices=60 randomness.seed=2

# 5 % of the labels (60 rooms): shared BN, ours
python tools/train.py configs/amf/amf_mobilenet-v2-in1k-pre_refinenet_1xb2-adamw-600_rooms-large-160x120.py --work-dir work_dirs/rooms_imagenet/shared-bn-5-0 --cfg-options model.backbone.backbone.norm_cfg.type=SharedBN train_dataloader.dataset.indices=60 randomness.seed=0
python tools/train.py configs/amf/amf_mobilenet-v2-in1k-pre_refinenet_1xb2-adamw-600_rooms-large-160x120.py --work-dir work_dirs/rooms_imagenet/shared-bn-5-1 --cfg-options model.backbone.backbone.norm_cfg.type=SharedBN train_dataloader.dataset.indices=60 randomness.seed=1
python tools/train.py configs/amf/amf_mobilenet-v2-in1k-pre_refinenet_1xb2-adamw-600_rooms-large-160x120.py --work-dir work_dirs/rooms_imagenet/shared-bn-5-2 --cfg-options model.backbone.backbone.norm_cfg.type=SharedBN train_dataloader.dataset.indices=60 randomness.seed=2

# 5 % of the labels (60 rooms): two encoders, ours
python tools/train.py configs/amf/amf_mobilenet-v2-in1k-pre_refinenet_1xb2-adamw-600_rooms-large-160x120.py --work-dir work_dirs/rooms_imagenet/private-conv-5-0 --cfg-options model.backbone.backbone.conv_cfg.type=ModalitySpecificConv train_dataloader.dataset.indices=60 randomness.seed=0
python tools/train.py configs/amf/amf_mobilenet-v2-in1k-pre_refinenet_1xb2-adamw-600_rooms-large-160x120.py --work-dir work_dirs/rooms_imagenet/private-conv-5-1 --cfg-options model.backbone.backbone.conv_cfg.type=ModalitySpecificConv train_dataloader.dataset.indices=60 randomness.seed=1
python tools/train.py configs/amf/amf_mobilenet-v2-in1k-pre_refinenet_1xb2-adamw-600_rooms-large-160x120.py --work-dir work_dirs/rooms_imagenet/private-conv-5-2 --cfg-options model.backbone.backbone.conv_cfg.type=ModalitySpecificConv train_dataloader.dataset.indices=60 randomness.seed=2

# 5 % of the labels (60 rooms): depth alone, twice the iterations
python tools/train.py configs/amf/amf_mobilenet-v2-in1k-pre_refinenet_1xb2-adamw-1200_rooms-large-160x120_depth.py --work-dir work_dirs/rooms_imagenet/depth-5-0 --cfg-options train_dataloader.dataset.indices=60 randomness.seed=0
python tools/train.py configs/amf/amf_mobilenet-v2-in1k-pre_refinenet_1xb2-adamw-1200_rooms-large-160x120_depth.py --work-dir work_dirs/rooms_imagenet/depth-5-1 --cfg-options train_dataloader.dataset.indices=60 randomness.seed=1
python tools/train.py configs/amf/amf_mobilenet-v2-in1k-pre_refinenet_1xb2-adamw-1200_rooms-large-160x120_depth.py --work-dir work_dirs/rooms_imagenet/depth-5-2 --cfg-options train_dataloader.dataset.indices=60 randomness.seed=2
