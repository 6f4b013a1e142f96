"""Fixes that let the OpenMMLab stack run on newer versions of torch, numpy and setuptools.

mmengine 0.10.7, mmcv 2.1.0, mmsegmentation 1.2.2 and mmagic 1.2.0 were last released for torch 2.1.
Each function that `apply` calls fixes one thing that has changed since, or one of their bugs that
gives wrong results without an error. A function does nothing where its fix is not needed, and may
be called several times. Nothing else in the project depends on the age of the stack.
"""

from . import checkpoints, configs, datasets, distributed, imports, layers, schedules


def apply() -> None:
    """Apply every fix. Must run before mmseg or mmagic is imported."""
    imports.skip_albumentations_update_check()
    imports.provide_pkg_resources()
    configs.name_mmamf_to_mmengine()
    configs.format_configs_once()
    configs.explain_duplicate_keys()
    imports.provide_numpy_bool8()
    imports.import_torchvision_without_ops()
    checkpoints.load_mmengine_checkpoints_safely()
    imports.provide_mmcv_ops_stub()
    distributed.distribute_on_cpu()
    checkpoints.resume_from_own_folder()
    schedules.keep_frozen_groups_frozen()
    datasets.find_classes_of_nested_datasets()
    layers.convert_layers_as_they_say()
