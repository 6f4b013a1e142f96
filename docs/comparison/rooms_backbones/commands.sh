#!/bin/sh
# Every run of the sweep, each a process with one thread.
set -e
export OMP_NUM_THREADS=1 MKL_NUM_THREADS=1

# R18, RefineNet: R18, no fusion
python tools/train.py configs/amf/amf_r18_refinenet_1xb4-adamw-1200_rooms-160x120.py --work-dir work_dirs/rooms_backbones/r18-none-0 --cfg-options model.backbone.fusion=None randomness.seed=0
python tools/train.py configs/amf/amf_r18_refinenet_1xb4-adamw-1200_rooms-160x120.py --work-dir work_dirs/rooms_backbones/r18-none-1 --cfg-options model.backbone.fusion=None randomness.seed=1
python tools/train.py configs/amf/amf_r18_refinenet_1xb4-adamw-1200_rooms-160x120.py --work-dir work_dirs/rooms_backbones/r18-none-2 --cfg-options model.backbone.fusion=None randomness.seed=2

# R18, RefineNet: R18, shuffle and shift (ours)
python tools/train.py configs/amf/amf_r18_refinenet_1xb4-adamw-1200_rooms-160x120.py --work-dir work_dirs/rooms_backbones/r18-ours-0 --cfg-options randomness.seed=0
python tools/train.py configs/amf/amf_r18_refinenet_1xb4-adamw-1200_rooms-160x120.py --work-dir work_dirs/rooms_backbones/r18-ours-1 --cfg-options randomness.seed=1
python tools/train.py configs/amf/amf_r18_refinenet_1xb4-adamw-1200_rooms-160x120.py --work-dir work_dirs/rooms_backbones/r18-ours-2 --cfg-options randomness.seed=2

# MiT-B0, SegFormer: MiT-B0, no fusion
python tools/train.py configs/amf/amf_mit-b0_segformer_1xb4-adamw-1200_rooms-160x120.py --work-dir work_dirs/rooms_backbones/mit-b0-none-0 --cfg-options model.backbone.fusion=None randomness.seed=0
python tools/train.py configs/amf/amf_mit-b0_segformer_1xb4-adamw-1200_rooms-160x120.py --work-dir work_dirs/rooms_backbones/mit-b0-none-1 --cfg-options model.backbone.fusion=None randomness.seed=1
python tools/train.py configs/amf/amf_mit-b0_segformer_1xb4-adamw-1200_rooms-160x120.py --work-dir work_dirs/rooms_backbones/mit-b0-none-2 --cfg-options model.backbone.fusion=None randomness.seed=2

# MiT-B0, SegFormer: MiT-B0, shuffle and shift (ours)
python tools/train.py configs/amf/amf_mit-b0_segformer_1xb4-adamw-1200_rooms-160x120.py --work-dir work_dirs/rooms_backbones/mit-b0-ours-0 --cfg-options randomness.seed=0
python tools/train.py configs/amf/amf_mit-b0_segformer_1xb4-adamw-1200_rooms-160x120.py --work-dir work_dirs/rooms_backbones/mit-b0-ours-1 --cfg-options randomness.seed=1
python tools/train.py configs/amf/amf_mit-b0_segformer_1xb4-adamw-1200_rooms-160x120.py --work-dir work_dirs/rooms_backbones/mit-b0-ours-2 --cfg-options randomness.seed=2
