# The paper's translation network: one U-Net with private instance norms. A config sets its
# modalities in data_preprocessor.modalities.
model = dict(
    type='MultimodalPix2Pix',
    data_preprocessor=dict(type='MultimodalTranslationDataPreprocessor'),
    generator=dict(
        type='SharedMultimodalUnetGenerator',
        image_size=256,
        fusion=dict(type='ChannelShufflePixelShiftFusion'),
    ),
    discriminator=dict(type='MultimodalPatchDiscriminator'),
    pixel_loss_weight=100,
)
