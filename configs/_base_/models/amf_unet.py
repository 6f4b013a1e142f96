# The paper's translation network: one U-Net with private instance norms, for two modalities.
num_modalities = 2
model = dict(
    type='MultimodalPix2Pix',
    data_preprocessor=dict(type='MultimodalTranslationDataPreprocessor'),
    generator=dict(
        type='SharedMultimodalUnetGenerator',
        num_modalities=num_modalities,
        image_size=256,
        fusion=dict(type='ChannelShufflePixelShiftFusion'),
    ),
    discriminator=dict(type='MultimodalPatchDiscriminator', num_modalities=num_modalities),
    pixel_loss_weight=100,
)
