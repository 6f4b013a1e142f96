#!/bin/sh
# Every run of the sweep, each a process with one thread.
set -e
export OMP_NUM_THREADS=1 MKL_NUM_THREADS=1

# Convolutions of the encoder: shared (the paper)
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120.py --work-dir work_dirs/rooms_sharing/shared-0 --cfg-options randomness.seed=0
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120.py --work-dir work_dirs/rooms_sharing/shared-1 --cfg-options randomness.seed=1
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120.py --work-dir work_dirs/rooms_sharing/shared-2 --cfg-options randomness.seed=2

# Convolutions of the encoder: private (two encoders)
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120.py --work-dir work_dirs/rooms_sharing/private-0 --cfg-options model.backbone.conv_cfg.type=ModalitySpecificConv randomness.seed=0
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120.py --work-dir work_dirs/rooms_sharing/private-1 --cfg-options model.backbone.conv_cfg.type=ModalitySpecificConv randomness.seed=1
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120.py --work-dir work_dirs/rooms_sharing/private-2 --cfg-options model.backbone.conv_cfg.type=ModalitySpecificConv randomness.seed=2

# Convolutions of the encoder: shared, fused behind the stages
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120_fused-behind.py --work-dir work_dirs/rooms_sharing/behind-0 --cfg-options randomness.seed=0
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120_fused-behind.py --work-dir work_dirs/rooms_sharing/behind-1 --cfg-options randomness.seed=1
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120_fused-behind.py --work-dir work_dirs/rooms_sharing/behind-2 --cfg-options randomness.seed=2

# Convolutions of the encoder: private (two encoders), fused behind the stages
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120_fused-behind.py --work-dir work_dirs/rooms_sharing/private-behind-0 --cfg-options model.backbone.backbone.conv_cfg.type=ModalitySpecificConv randomness.seed=0
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120_fused-behind.py --work-dir work_dirs/rooms_sharing/private-behind-1 --cfg-options model.backbone.backbone.conv_cfg.type=ModalitySpecificConv randomness.seed=1
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120_fused-behind.py --work-dir work_dirs/rooms_sharing/private-behind-2 --cfg-options model.backbone.backbone.conv_cfg.type=ModalitySpecificConv randomness.seed=2
