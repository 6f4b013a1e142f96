# Each modality has its own convolutions in the stem and the first two stages: 4 % more parameters.
_base_ = './amf_r18_refinenet_1xb2-adamw-1200_rooms-large-160x120.py'
model = dict(backbone=dict(private_at=['conv1', 'layer1', 'layer2']))
