#!/bin/sh
# Every run of the sweep, each a process with one thread.
set -e
export OMP_NUM_THREADS=1 MKL_NUM_THREADS=1

# MobileNetV2, RefineNet: MobileNetV2, fused behind
python tools/train.py configs/amf/amf_mobilenet-v2_refinenet_1xb2-adamw-1200_rooms-large-160x120.py --work-dir work_dirs/rooms_fused_inside/mobilenet-behind-0 --cfg-options randomness.seed=0
python tools/train.py configs/amf/amf_mobilenet-v2_refinenet_1xb2-adamw-1200_rooms-large-160x120.py --work-dir work_dirs/rooms_fused_inside/mobilenet-behind-1 --cfg-options randomness.seed=1
python tools/train.py configs/amf/amf_mobilenet-v2_refinenet_1xb2-adamw-1200_rooms-large-160x120.py --work-dir work_dirs/rooms_fused_inside/mobilenet-behind-2 --cfg-options randomness.seed=2

# MobileNetV2, RefineNet: MobileNetV2, fused inside
python tools/train.py configs/amf/amf_mobilenet-v2_refinenet_1xb2-adamw-1200_rooms-large-160x120_fused-inside.py --work-dir work_dirs/rooms_fused_inside/mobilenet-inside-0 --cfg-options randomness.seed=0
python tools/train.py configs/amf/amf_mobilenet-v2_refinenet_1xb2-adamw-1200_rooms-large-160x120_fused-inside.py --work-dir work_dirs/rooms_fused_inside/mobilenet-inside-1 --cfg-options randomness.seed=1
python tools/train.py configs/amf/amf_mobilenet-v2_refinenet_1xb2-adamw-1200_rooms-large-160x120_fused-inside.py --work-dir work_dirs/rooms_fused_inside/mobilenet-inside-2 --cfg-options randomness.seed=2

# MiT-B0, SegFormer: MiT-B0, fused behind
python tools/train.py configs/amf/amf_mit-b0_segformer_1xb2-adamw-1200_rooms-large-160x120.py --work-dir work_dirs/rooms_fused_inside/mit-b0-behind-0 --cfg-options randomness.seed=0
python tools/train.py configs/amf/amf_mit-b0_segformer_1xb2-adamw-1200_rooms-large-160x120.py --work-dir work_dirs/rooms_fused_inside/mit-b0-behind-1 --cfg-options randomness.seed=1
python tools/train.py configs/amf/amf_mit-b0_segformer_1xb2-adamw-1200_rooms-large-160x120.py --work-dir work_dirs/rooms_fused_inside/mit-b0-behind-2 --cfg-options randomness.seed=2

# MiT-B0, SegFormer: MiT-B0, fused inside
python tools/train.py configs/amf/amf_mit-b0_segformer_1xb2-adamw-1200_rooms-large-160x120_fused-inside.py --work-dir work_dirs/rooms_fused_inside/mit-b0-inside-0 --cfg-options randomness.seed=0
python tools/train.py configs/amf/amf_mit-b0_segformer_1xb2-adamw-1200_rooms-large-160x120_fused-inside.py --work-dir work_dirs/rooms_fused_inside/mit-b0-inside-1 --cfg-options randomness.seed=1
python tools/train.py configs/amf/amf_mit-b0_segformer_1xb2-adamw-1200_rooms-large-160x120_fused-inside.py --work-dir work_dirs/rooms_fused_inside/mit-b0-inside-2 --cfg-options randomness.seed=2
