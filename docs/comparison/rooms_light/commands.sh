#!/bin/sh
# Every run of the sweep, each a process with one thread.
set -e
export OMP_NUM_THREADS=1 MKL_NUM_THREADS=1

# MobileNetV2, SegFormer: fused inside
python tools/train.py configs/amf/amf_mobilenet-v2-in1k-pre_segformer_1xb2-adamw-600_rooms-large-160x120.py --work-dir work_dirs/rooms_light/segformer-0 --cfg-options randomness.seed=0
python tools/train.py configs/amf/amf_mobilenet-v2-in1k-pre_segformer_1xb2-adamw-600_rooms-large-160x120.py --work-dir work_dirs/rooms_light/segformer-1 --cfg-options randomness.seed=1
python tools/train.py configs/amf/amf_mobilenet-v2-in1k-pre_segformer_1xb2-adamw-600_rooms-large-160x120.py --work-dir work_dirs/rooms_light/segformer-2 --cfg-options randomness.seed=2

# MobileNetV2, SegFormer: fused behind the stages
python tools/train.py configs/amf/amf_mobilenet-v2-in1k-pre_segformer_1xb2-adamw-600_rooms-large-160x120.py --work-dir work_dirs/rooms_light/segformer-behind-0 --cfg-options model.backbone.fuse_at=None randomness.seed=0
python tools/train.py configs/amf/amf_mobilenet-v2-in1k-pre_segformer_1xb2-adamw-600_rooms-large-160x120.py --work-dir work_dirs/rooms_light/segformer-behind-1 --cfg-options model.backbone.fuse_at=None randomness.seed=1
python tools/train.py configs/amf/amf_mobilenet-v2-in1k-pre_segformer_1xb2-adamw-600_rooms-large-160x120.py --work-dir work_dirs/rooms_light/segformer-behind-2 --cfg-options model.backbone.fuse_at=None randomness.seed=2
