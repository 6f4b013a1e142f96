"""Gets onnxruntime for browsers, a package of the npm registry."""

import base64
import hashlib
import os
import shutil
import subprocess
import tarfile
from pathlib import Path
from tempfile import TemporaryDirectory

from mmamf.whole_file import whole_file

VERSION = '1.23.2'  # that of onnxruntime in requirements/constraints.txt
PACKAGE = f'onnxruntime-web@{VERSION}'
ARCHIVE = f'onnxruntime-web-{VERSION}.tgz'
# as `npm view onnxruntime-web@VERSION dist.integrity` says
SHA512 = 'T09JUtMn+CZLk3mFwqiH0lgQf+4S7+oYHHtk6uhaYAAJI95bTcKi5bOOZYwORXfS/RLZCjDDEXGWIuOCAFlEjg=='
FILES = ('ort.wasm.bundle.min.mjs', 'ort-wasm-simd-threaded.wasm')  # all that runs on a CPU
PATIENCE = 300  # seconds for 25 MB


def read_runtime() -> dict[str, bytes]:
    """Read the files that a page needs, from the archive of the package.

    The archive is downloaded once and kept in :func:`cache_folder`.

    Returns:
        Name of each file -> its content.

    Raises:
        ValueError: If the archive cannot be downloaded, or is not the expected one.
    """
    archive = cache_folder() / ARCHIVE
    if not archive.is_file():
        _download(archive)
    digest = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    if digest != SHA512:
        raise ValueError(
            f'{archive}: expected {PACKAGE} with the SHA-512 {SHA512}, got {digest}: remove the '
            'file'
        )
    with tarfile.open(archive) as package:
        return {name: package.extractfile(f'package/dist/{name}').read() for name in FILES}


def cache_folder() -> Path:
    """Return the folder where downloads are kept."""
    return Path(os.environ.get('XDG_CACHE_HOME') or Path.home() / '.cache') / 'mmamf'


def _download(archive: Path) -> None:
    by_hand = f'or run `npm pack {PACKAGE}` on another computer, and put {ARCHIVE} into'
    by_hand += f' {archive.parent}'
    npm = shutil.which('npm')
    if npm is None:
        raise ValueError(
            f'{PACKAGE} is needed, and npm, which downloads it, is not there: install npm, '
            f'{by_hand}'
        )
    with TemporaryDirectory() as folder:
        command = [npm, 'pack', PACKAGE, '--ignore-scripts', '--fetch-retries=1']
        try:
            subprocess.run(
                [*command, '--pack-destination', folder],
                cwd=folder,
                capture_output=True,
                text=True,
                check=True,
                timeout=PATIENCE,
            )
        except subprocess.SubprocessError as error:
            said = (error.stderr or str(error)).strip()
            raise ValueError(
                f'npm cannot download {PACKAGE} ({said.splitlines()[0]}): try again with a '
                f'network, {by_hand}'
            ) from error
        with whole_file(archive) as draft:
            shutil.copyfile(Path(folder, ARCHIVE), draft)
