#!/bin/sh
# Every run of the sweep, each a process with one thread.
set -e
export OMP_NUM_THREADS=1 MKL_NUM_THREADS=1

# Number of modalities: RGB
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-2400_rooms-large-160x120_rgb.py --work-dir work_dirs/rooms_modalities/M1-0 --cfg-options train_cfg.max_iters=1200 train_cfg.val_interval=400 param_scheduler.1.end=1200 randomness.seed=0
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-2400_rooms-large-160x120_rgb.py --work-dir work_dirs/rooms_modalities/M1-1 --cfg-options train_cfg.max_iters=1200 train_cfg.val_interval=400 param_scheduler.1.end=1200 randomness.seed=1
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-2400_rooms-large-160x120_rgb.py --work-dir work_dirs/rooms_modalities/M1-2 --cfg-options train_cfg.max_iters=1200 train_cfg.val_interval=400 param_scheduler.1.end=1200 randomness.seed=2

# Number of modalities: RGB, twice the updates
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-2400_rooms-large-160x120_rgb.py --work-dir work_dirs/rooms_modalities/M1-twice-0 --cfg-options randomness.seed=0
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-2400_rooms-large-160x120_rgb.py --work-dir work_dirs/rooms_modalities/M1-twice-1 --cfg-options randomness.seed=1
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-2400_rooms-large-160x120_rgb.py --work-dir work_dirs/rooms_modalities/M1-twice-2 --cfg-options randomness.seed=2

# Number of modalities: RGB, depth
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120.py --work-dir work_dirs/rooms_modalities/M2-0 --cfg-options randomness.seed=0
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120.py --work-dir work_dirs/rooms_modalities/M2-1 --cfg-options randomness.seed=1
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120.py --work-dir work_dirs/rooms_modalities/M2-2 --cfg-options randomness.seed=2

# Number of modalities: RGB, depth, normals; from the next
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120_rgb-depth-normal.py --work-dir work_dirs/rooms_modalities/M3-next-0 --cfg-options randomness.seed=0
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120_rgb-depth-normal.py --work-dir work_dirs/rooms_modalities/M3-next-1 --cfg-options randomness.seed=1
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120_rgb-depth-normal.py --work-dir work_dirs/rooms_modalities/M3-next-2 --cfg-options randomness.seed=2

# Number of modalities: RGB, depth, normals; from all others
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120_rgb-depth-normal.py --work-dir work_dirs/rooms_modalities/M3-all-0 --cfg-options model.backbone.fusion.partners=all randomness.seed=0
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120_rgb-depth-normal.py --work-dir work_dirs/rooms_modalities/M3-all-1 --cfg-options model.backbone.fusion.partners=all randomness.seed=1
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120_rgb-depth-normal.py --work-dir work_dirs/rooms_modalities/M3-all-2 --cfg-options model.backbone.fusion.partners=all randomness.seed=2

# Number of modalities: RGB, depth, normals, shade; from the next
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120_rgb-depth-normal-shade.py --work-dir work_dirs/rooms_modalities/M4-next-0 --cfg-options randomness.seed=0
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120_rgb-depth-normal-shade.py --work-dir work_dirs/rooms_modalities/M4-next-1 --cfg-options randomness.seed=1
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120_rgb-depth-normal-shade.py --work-dir work_dirs/rooms_modalities/M4-next-2 --cfg-options randomness.seed=2

# Number of modalities: RGB, depth, normals, shade; from all others
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120_rgb-depth-normal-shade.py --work-dir work_dirs/rooms_modalities/M4-all-0 --cfg-options model.backbone.fusion.partners=all randomness.seed=0
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120_rgb-depth-normal-shade.py --work-dir work_dirs/rooms_modalities/M4-all-1 --cfg-options model.backbone.fusion.partners=all randomness.seed=1
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120_rgb-depth-normal-shade.py --work-dir work_dirs/rooms_modalities/M4-all-2 --cfg-options model.backbone.fusion.partners=all randomness.seed=2
