#!/bin/sh
# Every run of the sweep, each a process with one thread.
set -e
export OMP_NUM_THREADS=1 MKL_NUM_THREADS=1

# Channel shuffle and pixel shift: no fusion
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120.py --work-dir work_dirs/rooms_fusion/none-0 --cfg-options model.backbone.fusion=None randomness.seed=0
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120.py --work-dir work_dirs/rooms_fusion/none-1 --cfg-options model.backbone.fusion=None randomness.seed=1
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120.py --work-dir work_dirs/rooms_fusion/none-2 --cfg-options model.backbone.fusion=None randomness.seed=2
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120.py --work-dir work_dirs/rooms_fusion/none-3 --cfg-options model.backbone.fusion=None randomness.seed=3
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120.py --work-dir work_dirs/rooms_fusion/none-4 --cfg-options model.backbone.fusion=None randomness.seed=4

# Channel shuffle and pixel shift: shuffle and shift (ours)
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120.py --work-dir work_dirs/rooms_fusion/ours-0 --cfg-options randomness.seed=0
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120.py --work-dir work_dirs/rooms_fusion/ours-1 --cfg-options randomness.seed=1
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120.py --work-dir work_dirs/rooms_fusion/ours-2 --cfg-options randomness.seed=2
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120.py --work-dir work_dirs/rooms_fusion/ours-3 --cfg-options randomness.seed=3
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120.py --work-dir work_dirs/rooms_fusion/ours-4 --cfg-options randomness.seed=4

# Channel shuffle and pixel shift: shuffle only
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120.py --work-dir work_dirs/rooms_fusion/shuffle-only-0 --cfg-options model.backbone.fusion.shift=None randomness.seed=0
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120.py --work-dir work_dirs/rooms_fusion/shuffle-only-1 --cfg-options model.backbone.fusion.shift=None randomness.seed=1
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120.py --work-dir work_dirs/rooms_fusion/shuffle-only-2 --cfg-options model.backbone.fusion.shift=None randomness.seed=2
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120.py --work-dir work_dirs/rooms_fusion/shuffle-only-3 --cfg-options model.backbone.fusion.shift=None randomness.seed=3
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120.py --work-dir work_dirs/rooms_fusion/shuffle-only-4 --cfg-options model.backbone.fusion.shift=None randomness.seed=4

# Channel shuffle and pixel shift: shift only
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120.py --work-dir work_dirs/rooms_fusion/shift-only-0 --cfg-options model.backbone.fusion.exchange=0 randomness.seed=0
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120.py --work-dir work_dirs/rooms_fusion/shift-only-1 --cfg-options model.backbone.fusion.exchange=0 randomness.seed=1
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120.py --work-dir work_dirs/rooms_fusion/shift-only-2 --cfg-options model.backbone.fusion.exchange=0 randomness.seed=2
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120.py --work-dir work_dirs/rooms_fusion/shift-only-3 --cfg-options model.backbone.fusion.exchange=0 randomness.seed=3
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120.py --work-dir work_dirs/rooms_fusion/shift-only-4 --cfg-options model.backbone.fusion.exchange=0 randomness.seed=4

# Channel shuffle and pixel shift: symmetric exchange of the same share
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120.py --work-dir work_dirs/rooms_fusion/symmetric-0 --cfg-options model.backbone.fusion.symmetric=True randomness.seed=0
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120.py --work-dir work_dirs/rooms_fusion/symmetric-1 --cfg-options model.backbone.fusion.symmetric=True randomness.seed=1
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120.py --work-dir work_dirs/rooms_fusion/symmetric-2 --cfg-options model.backbone.fusion.symmetric=True randomness.seed=2
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120.py --work-dir work_dirs/rooms_fusion/symmetric-3 --cfg-options model.backbone.fusion.symmetric=True randomness.seed=3
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120.py --work-dir work_dirs/rooms_fusion/symmetric-4 --cfg-options model.backbone.fusion.symmetric=True randomness.seed=4

# One modality, twice the iterations: RGB alone
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-2400_rooms-large-160x120_rgb.py --work-dir work_dirs/rooms_fusion/rgb-0 --cfg-options randomness.seed=0
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-2400_rooms-large-160x120_rgb.py --work-dir work_dirs/rooms_fusion/rgb-1 --cfg-options randomness.seed=1
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-2400_rooms-large-160x120_rgb.py --work-dir work_dirs/rooms_fusion/rgb-2 --cfg-options randomness.seed=2
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-2400_rooms-large-160x120_rgb.py --work-dir work_dirs/rooms_fusion/rgb-3 --cfg-options randomness.seed=3
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-2400_rooms-large-160x120_rgb.py --work-dir work_dirs/rooms_fusion/rgb-4 --cfg-options randomness.seed=4

# One modality, twice the iterations: depth alone
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-2400_rooms-large-160x120_depth.py --work-dir work_dirs/rooms_fusion/depth-0 --cfg-options randomness.seed=0
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-2400_rooms-large-160x120_depth.py --work-dir work_dirs/rooms_fusion/depth-1 --cfg-options randomness.seed=1
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-2400_rooms-large-160x120_depth.py --work-dir work_dirs/rooms_fusion/depth-2 --cfg-options randomness.seed=2
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-2400_rooms-large-160x120_depth.py --work-dir work_dirs/rooms_fusion/depth-3 --cfg-options randomness.seed=3
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-2400_rooms-large-160x120_depth.py --work-dir work_dirs/rooms_fusion/depth-4 --cfg-options randomness.seed=4

# Encoders, with our fusion: shared convolutions, shared BN
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120.py --work-dir work_dirs/rooms_fusion/shared-bn-0 --cfg-options model.backbone.norm_cfg.type=BN randomness.seed=0
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120.py --work-dir work_dirs/rooms_fusion/shared-bn-1 --cfg-options model.backbone.norm_cfg.type=BN randomness.seed=1
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120.py --work-dir work_dirs/rooms_fusion/shared-bn-2 --cfg-options model.backbone.norm_cfg.type=BN randomness.seed=2
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120.py --work-dir work_dirs/rooms_fusion/shared-bn-3 --cfg-options model.backbone.norm_cfg.type=BN randomness.seed=3
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120.py --work-dir work_dirs/rooms_fusion/shared-bn-4 --cfg-options model.backbone.norm_cfg.type=BN randomness.seed=4

# Encoders, with our fusion: private convolutions, private BN (two encoders)
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120.py --work-dir work_dirs/rooms_fusion/private-conv-0 --cfg-options model.backbone.conv_cfg.type=ModalitySpecificConv randomness.seed=0
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120.py --work-dir work_dirs/rooms_fusion/private-conv-1 --cfg-options model.backbone.conv_cfg.type=ModalitySpecificConv randomness.seed=1
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120.py --work-dir work_dirs/rooms_fusion/private-conv-2 --cfg-options model.backbone.conv_cfg.type=ModalitySpecificConv randomness.seed=2
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120.py --work-dir work_dirs/rooms_fusion/private-conv-3 --cfg-options model.backbone.conv_cfg.type=ModalitySpecificConv randomness.seed=3
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120.py --work-dir work_dirs/rooms_fusion/private-conv-4 --cfg-options model.backbone.conv_cfg.type=ModalitySpecificConv randomness.seed=4

# Encoders, with our fusion: private convolutions, shared BN
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120.py --work-dir work_dirs/rooms_fusion/private-conv-shared-bn-0 --cfg-options model.backbone.conv_cfg.type=ModalitySpecificConv model.backbone.norm_cfg.type=BN randomness.seed=0
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120.py --work-dir work_dirs/rooms_fusion/private-conv-shared-bn-1 --cfg-options model.backbone.conv_cfg.type=ModalitySpecificConv model.backbone.norm_cfg.type=BN randomness.seed=1
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120.py --work-dir work_dirs/rooms_fusion/private-conv-shared-bn-2 --cfg-options model.backbone.conv_cfg.type=ModalitySpecificConv model.backbone.norm_cfg.type=BN randomness.seed=2

# Encoders, without fusion: shared convolutions, shared BN, no fusion
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120.py --work-dir work_dirs/rooms_fusion/shared-bn-none-0 --cfg-options model.backbone.norm_cfg.type=BN model.backbone.fusion=None randomness.seed=0
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120.py --work-dir work_dirs/rooms_fusion/shared-bn-none-1 --cfg-options model.backbone.norm_cfg.type=BN model.backbone.fusion=None randomness.seed=1
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120.py --work-dir work_dirs/rooms_fusion/shared-bn-none-2 --cfg-options model.backbone.norm_cfg.type=BN model.backbone.fusion=None randomness.seed=2

# Encoders, without fusion: private convolutions, private BN, no fusion
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120.py --work-dir work_dirs/rooms_fusion/private-conv-none-0 --cfg-options model.backbone.conv_cfg.type=ModalitySpecificConv model.backbone.fusion=None randomness.seed=0
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120.py --work-dir work_dirs/rooms_fusion/private-conv-none-1 --cfg-options model.backbone.conv_cfg.type=ModalitySpecificConv model.backbone.fusion=None randomness.seed=1
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120.py --work-dir work_dirs/rooms_fusion/private-conv-none-2 --cfg-options model.backbone.conv_cfg.type=ModalitySpecificConv model.backbone.fusion=None randomness.seed=2

# Other operators: concatenation, 1 x 1 convolution
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120.py --work-dir work_dirs/rooms_fusion/concat-0 --cfg-options model.backbone.fusion.type=ConcatenationFusion randomness.seed=0
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120.py --work-dir work_dirs/rooms_fusion/concat-1 --cfg-options model.backbone.fusion.type=ConcatenationFusion randomness.seed=1
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120.py --work-dir work_dirs/rooms_fusion/concat-2 --cfg-options model.backbone.fusion.type=ConcatenationFusion randomness.seed=2

# Other operators: addition
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120.py --work-dir work_dirs/rooms_fusion/addition-0 --cfg-options model.backbone.fusion.type=AdditionFusion randomness.seed=0
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120.py --work-dir work_dirs/rooms_fusion/addition-1 --cfg-options model.backbone.fusion.type=AdditionFusion randomness.seed=1
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120.py --work-dir work_dirs/rooms_fusion/addition-2 --cfg-options model.backbone.fusion.type=AdditionFusion randomness.seed=2

# Other operators: averaging
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120.py --work-dir work_dirs/rooms_fusion/averaging-0 --cfg-options model.backbone.fusion.type=AdditionFusion model.backbone.fusion.average=True randomness.seed=0
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120.py --work-dir work_dirs/rooms_fusion/averaging-1 --cfg-options model.backbone.fusion.type=AdditionFusion model.backbone.fusion.average=True randomness.seed=1
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120.py --work-dir work_dirs/rooms_fusion/averaging-2 --cfg-options model.backbone.fusion.type=AdditionFusion model.backbone.fusion.average=True randomness.seed=2

# Other operators: alignment loss (MMD)
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120.py --work-dir work_dirs/rooms_fusion/align-0 --cfg-options model.backbone.fusion.type=AlignmentFusion randomness.seed=0
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120.py --work-dir work_dirs/rooms_fusion/align-1 --cfg-options model.backbone.fusion.type=AlignmentFusion randomness.seed=1
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120.py --work-dir work_dirs/rooms_fusion/align-2 --cfg-options model.backbone.fusion.type=AlignmentFusion randomness.seed=2

# Other operators: squeeze and excitation (ESANet)
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120.py --work-dir work_dirs/rooms_fusion/se-0 --cfg-options model.backbone.fusion.type=SqueezeExcitationFusion randomness.seed=0
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120.py --work-dir work_dirs/rooms_fusion/se-1 --cfg-options model.backbone.fusion.type=SqueezeExcitationFusion randomness.seed=1
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120.py --work-dir work_dirs/rooms_fusion/se-2 --cfg-options model.backbone.fusion.type=SqueezeExcitationFusion randomness.seed=2

# Other operators: self-attention (SSMA)
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120.py --work-dir work_dirs/rooms_fusion/self-attention-0 --cfg-options model.backbone.fusion.type=SelfAttentionFusion randomness.seed=0
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120.py --work-dir work_dirs/rooms_fusion/self-attention-1 --cfg-options model.backbone.fusion.type=SelfAttentionFusion randomness.seed=1
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120.py --work-dir work_dirs/rooms_fusion/self-attention-2 --cfg-options model.backbone.fusion.type=SelfAttentionFusion randomness.seed=2

# Other operators: channel exchange (CEN)
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120.py --work-dir work_dirs/rooms_fusion/cen-0 --cfg-options model.backbone.fusion.type=ChannelExchangeFusion randomness.seed=0
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120.py --work-dir work_dirs/rooms_fusion/cen-1 --cfg-options model.backbone.fusion.type=ChannelExchangeFusion randomness.seed=1
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120.py --work-dir work_dirs/rooms_fusion/cen-2 --cfg-options model.backbone.fusion.type=ChannelExchangeFusion randomness.seed=2

# Ours, changed: only RGB receives
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120.py --work-dir work_dirs/rooms_fusion/depth-to-rgb-0 --cfg-options 'model.backbone.fusion.receivers=[0]' randomness.seed=0
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120.py --work-dir work_dirs/rooms_fusion/depth-to-rgb-1 --cfg-options 'model.backbone.fusion.receivers=[0]' randomness.seed=1
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120.py --work-dir work_dirs/rooms_fusion/depth-to-rgb-2 --cfg-options 'model.backbone.fusion.receivers=[0]' randomness.seed=2

# Ours, changed: only depth receives
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120.py --work-dir work_dirs/rooms_fusion/rgb-to-depth-0 --cfg-options 'model.backbone.fusion.receivers=[1]' randomness.seed=0
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120.py --work-dir work_dirs/rooms_fusion/rgb-to-depth-1 --cfg-options 'model.backbone.fusion.receivers=[1]' randomness.seed=1
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120.py --work-dir work_dirs/rooms_fusion/rgb-to-depth-2 --cfg-options 'model.backbone.fusion.receivers=[1]' randomness.seed=2

# Ours, changed: in every block
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120.py --work-dir work_dirs/rooms_fusion/every-block-0 --cfg-options model.backbone.fused_blocks=all randomness.seed=0
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120.py --work-dir work_dirs/rooms_fusion/every-block-1 --cfg-options model.backbone.fused_blocks=all randomness.seed=1
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120.py --work-dir work_dirs/rooms_fusion/every-block-2 --cfg-options model.backbone.fused_blocks=all randomness.seed=2

# Ours, changed: in the first two stages
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120.py --work-dir work_dirs/rooms_fusion/stages-01-0 --cfg-options 'model.backbone.fusion_stages=[0,1]' randomness.seed=0
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120.py --work-dir work_dirs/rooms_fusion/stages-01-1 --cfg-options 'model.backbone.fusion_stages=[0,1]' randomness.seed=1
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120.py --work-dir work_dirs/rooms_fusion/stages-01-2 --cfg-options 'model.backbone.fusion_stages=[0,1]' randomness.seed=2

# Ours, changed: in the last two stages
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120.py --work-dir work_dirs/rooms_fusion/stages-23-0 --cfg-options 'model.backbone.fusion_stages=[2,3]' randomness.seed=0
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120.py --work-dir work_dirs/rooms_fusion/stages-23-1 --cfg-options 'model.backbone.fusion_stages=[2,3]' randomness.seed=1
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120.py --work-dir work_dirs/rooms_fusion/stages-23-2 --cfg-options 'model.backbone.fusion_stages=[2,3]' randomness.seed=2

# Ours, changed: a tenth exchanged
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120.py --work-dir work_dirs/rooms_fusion/exchange-0.1-0 --cfg-options model.backbone.fusion.exchange=0.1 randomness.seed=0
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120.py --work-dir work_dirs/rooms_fusion/exchange-0.1-1 --cfg-options model.backbone.fusion.exchange=0.1 randomness.seed=1
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120.py --work-dir work_dirs/rooms_fusion/exchange-0.1-2 --cfg-options model.backbone.fusion.exchange=0.1 randomness.seed=2

# Ours, changed: two fifths exchanged
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120.py --work-dir work_dirs/rooms_fusion/exchange-0.4-0 --cfg-options model.backbone.fusion.exchange=0.4 randomness.seed=0
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120.py --work-dir work_dirs/rooms_fusion/exchange-0.4-1 --cfg-options model.backbone.fusion.exchange=0.4 randomness.seed=1
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120.py --work-dir work_dirs/rooms_fusion/exchange-0.4-2 --cfg-options model.backbone.fusion.exchange=0.4 randomness.seed=2

# Ours, changed: added without a shift
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120.py --work-dir work_dirs/rooms_fusion/shift-0-0 --cfg-options model.backbone.fusion.shift=0 randomness.seed=0
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120.py --work-dir work_dirs/rooms_fusion/shift-0-1 --cfg-options model.backbone.fusion.shift=0 randomness.seed=1
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120.py --work-dir work_dirs/rooms_fusion/shift-0-2 --cfg-options model.backbone.fusion.shift=0 randomness.seed=2

# Ours, changed: shifted by 2 px
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120.py --work-dir work_dirs/rooms_fusion/shift-2-0 --cfg-options model.backbone.fusion.shift=2 randomness.seed=0
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120.py --work-dir work_dirs/rooms_fusion/shift-2-1 --cfg-options model.backbone.fusion.shift=2 randomness.seed=1
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120.py --work-dir work_dirs/rooms_fusion/shift-2-2 --cfg-options model.backbone.fusion.shift=2 randomness.seed=2

# Control: RGB and a copy of it: copy, no fusion
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120_rgb-copy.py --work-dir work_dirs/rooms_fusion/copy-none-0 --cfg-options model.backbone.fusion=None randomness.seed=0
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120_rgb-copy.py --work-dir work_dirs/rooms_fusion/copy-none-1 --cfg-options model.backbone.fusion=None randomness.seed=1
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120_rgb-copy.py --work-dir work_dirs/rooms_fusion/copy-none-2 --cfg-options model.backbone.fusion=None randomness.seed=2

# Control: RGB and a copy of it: copy, ours
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120_rgb-copy.py --work-dir work_dirs/rooms_fusion/copy-ours-0 --cfg-options randomness.seed=0
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120_rgb-copy.py --work-dir work_dirs/rooms_fusion/copy-ours-1 --cfg-options randomness.seed=1
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120_rgb-copy.py --work-dir work_dirs/rooms_fusion/copy-ours-2 --cfg-options randomness.seed=2

# Control: RGB and noise: noise, no fusion
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120_rgb-noise.py --work-dir work_dirs/rooms_fusion/noise-none-0 --cfg-options model.backbone.fusion=None randomness.seed=0
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120_rgb-noise.py --work-dir work_dirs/rooms_fusion/noise-none-1 --cfg-options model.backbone.fusion=None randomness.seed=1
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120_rgb-noise.py --work-dir work_dirs/rooms_fusion/noise-none-2 --cfg-options model.backbone.fusion=None randomness.seed=2

# Control: RGB and noise: noise, ours
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120_rgb-noise.py --work-dir work_dirs/rooms_fusion/noise-ours-0 --cfg-options randomness.seed=0
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120_rgb-noise.py --work-dir work_dirs/rooms_fusion/noise-ours-1 --cfg-options randomness.seed=1
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120_rgb-noise.py --work-dir work_dirs/rooms_fusion/noise-ours-2 --cfg-options randomness.seed=2

# Control: RGB and the depth of another image: another image's depth, no fusion
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120_rgb-permuted-depth.py --work-dir work_dirs/rooms_fusion/permuted-none-0 --cfg-options model.backbone.fusion=None randomness.seed=0
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120_rgb-permuted-depth.py --work-dir work_dirs/rooms_fusion/permuted-none-1 --cfg-options model.backbone.fusion=None randomness.seed=1
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120_rgb-permuted-depth.py --work-dir work_dirs/rooms_fusion/permuted-none-2 --cfg-options model.backbone.fusion=None randomness.seed=2

# Control: RGB and the depth of another image: another image's depth, ours
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120_rgb-permuted-depth.py --work-dir work_dirs/rooms_fusion/permuted-ours-0 --cfg-options randomness.seed=0
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120_rgb-permuted-depth.py --work-dir work_dirs/rooms_fusion/permuted-ours-1 --cfg-options randomness.seed=1
python tools/train.py configs/amf/amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120_rgb-permuted-depth.py --work-dir work_dirs/rooms_fusion/permuted-ours-2 --cfg-options randomness.seed=2
