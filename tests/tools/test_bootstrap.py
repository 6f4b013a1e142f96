"""The set-up: its choices, its messages and its stamps, without installing anything."""

import fcntl
import os
import re
import shutil
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SETUP = ROOT / 'tools' / 'setup'


@pytest.fixture(autouse=True)
def setup_modules(monkeypatch):
    """Make the modules of tools/setup importable by the names they use among themselves."""
    monkeypatch.syspath_prepend(str(SETUP))


@pytest.fixture
def environment(tmp_path):
    """An environment that exists on disk only as an empty site-packages."""
    from environment import Environment

    found = Environment(tmp_path / 'venv')
    found.site.mkdir(parents=True)
    return found


def install(environment, name, version, installer='pip'):
    """Write what pip leaves behind for a package."""
    info = environment.site / f'{name}-{version}.dist-info'
    info.mkdir()
    (info / 'METADATA').write_text(f'Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n')
    if installer:
        (info / 'INSTALLER').write_text(f'{installer}\n')


def fake_python(folder, name, version):
    """Write a command that answers the version check as a Python of that version would."""
    fits = int((3, 10) <= version <= (3, 12))
    command = folder / name
    command.write_text(f'#!/bin/sh\ncase "$2" in *exit*) exit {1 - fits};; esac\nexit 0\n')
    command.chmod(0o755)


def find_python(folder, *arguments):
    """Run find_python.sh where only the commands of `folder` and sed, cat can be found."""
    for tool in ('sed', 'cat'):
        if not (folder / tool).exists():
            (folder / tool).symlink_to(shutil.which(tool))
    return subprocess.run(
        [shutil.which('sh'), str(SETUP / 'find_python.sh'), *arguments],
        env={'PATH': str(folder)},
        cwd=folder,
        capture_output=True,
        text=True,
    )


class TestPython:
    @pytest.mark.parametrize(
        ('present', 'expected'),
        [
            ({'python3': (3, 12), 'python3.11': (3, 11)}, 'python3.11'),
            ({'python3': (3, 13), 'python3.10': (3, 10), 'python3.12': (3, 12)}, 'python3.12'),
            ({'python': (3, 10), 'python3': (3, 9)}, 'python'),
        ],
    )
    def test_first_that_fits(self, tmp_path, present, expected):
        for name, version in present.items():
            fake_python(tmp_path, name, version)
        assert find_python(tmp_path).stdout.strip() == expected

    def test_version_of_venv_comes_first(self, tmp_path):
        fake_python(tmp_path, 'python3.11', (3, 11))
        fake_python(tmp_path, 'python3.12', (3, 12))
        (tmp_path / '.venv').mkdir()
        (tmp_path / '.venv' / 'pyvenv.cfg').write_text('home = /usr/bin\nversion = 3.12.1\n')
        assert find_python(tmp_path).stdout.strip() == 'python3.12'

    def test_none_found(self, tmp_path):
        fake_python(tmp_path, 'python3', (3, 13))
        result = find_python(tmp_path)
        assert result.returncode == 1 and not result.stdout
        assert 'no Python 3.10, 3.11 or 3.12 was found' in result.stderr
        assert 'sudo apt-get install python3.11 python3.11-venv python3.11-dev' in result.stderr

    def test_named_but_missing(self, tmp_path):
        result = find_python(tmp_path, 'python9')
        assert result.returncode == 1
        assert 'PYTHON=python9 is not a Python that runs' in result.stderr

    @pytest.mark.parametrize('version', [(2, 7), (3, 9), (3, 13)])
    def test_wrong_version(self, monkeypatch, version):
        import bootstrap

        monkeypatch.setattr(bootstrap, 'VERSION', version)
        with pytest.raises(SystemExit) as stopped:
            bootstrap.main()
        message = str(stopped.value)
        assert 'this is Python {}.{},'.format(*version) in message
        assert 'make demo PYTHON=python3.11' in message

    def test_venv_of_another_version(self, environment):
        from preflight import SetupError

        config = environment.root / 'pyvenv.cfg'
        config.write_text('version = {}.{}.1\n'.format(*sys.version_info))
        environment.check_python()
        config.write_text('version = 3.8.1\n')
        with pytest.raises(SetupError, match=r'was made with Python 3\.8.*(?s:.)*rm -r'):
            environment.check_python()


class TestPreflight:
    def test_no_compiler(self, monkeypatch):
        import preflight

        monkeypatch.setenv('CXX', 'no-such-compiler')
        with pytest.raises(preflight.SetupError, match='No C.. compiler') as error:
            preflight.check_compiler()
        assert 'no-such-compiler' in str(error.value) and 'apt-get install g++' in str(error.value)

    def test_no_headers(self, tmp_path):
        import preflight

        version = '{}.{}'.format(*sys.version_info)
        with pytest.raises(preflight.SetupError, match=f'apt-get install python{version}-dev'):
            preflight.check_compiler(str(tmp_path))
        (tmp_path / 'Python.h').touch()
        preflight.check_compiler(str(tmp_path))

    def test_no_space(self, tmp_path):
        import preflight

        preflight.check_disk(tmp_path, needed_gib=0)
        with pytest.raises(preflight.SetupError, match=r'GiB are free in .* needs 10000000 GiB'):
            preflight.check_disk(tmp_path, needed_gib=1e7)

    def test_no_venv_module(self, monkeypatch):
        import preflight

        monkeypatch.setattr(preflight.importlib.util, 'find_spec', lambda name: None)
        with pytest.raises(preflight.SetupError, match=r'apt-get install python3\.\d+-venv'):
            preflight.check_venv_module()

    @pytest.mark.skipif(not sys.platform.startswith('linux'), reason='looks for Linux libraries')
    def test_no_shared_library(self, monkeypatch):
        import preflight

        missing = ('libnone.so.1', 'libnone1', 'libnone')
        monkeypatch.setattr(preflight, 'SHARED_LIBRARIES', [missing])
        with pytest.raises(preflight.SetupError, match='libnone.so.1 is missing') as error:
            preflight.check_shared_libraries()
        assert 'apt-get install libnone1' in str(error.value)


class TestCommands:
    def failing_job(self, tmp_path, text):
        from commands import Job

        code = f'print({text!r}); raise SystemExit(3)'
        job = Job('packages', [sys.executable, '-c', code], tmp_path / 'install.log')
        job.process.wait()
        return job

    @pytest.mark.parametrize(
        ('text', 'advice'),
        [
            ('NewConnectionError: no route', 'The package registry can not be reached'),
            ('HTTPSConnectionPool: Max retries exceeded\nNo matching distribution', 'be reached'),
            ('OSError: [Errno 28] No space left on device', 'The disk is full'),
            (
                'ERROR: No matching distribution found for torch==9',
                'no such package for this Python',
            ),
            ('c++: fatal error: Killed signal terminated program cc1plus', 'MAX_JOBS=1'),
        ],
    )
    def test_failure_says_what_to_do(self, tmp_path, text, advice):
        from preflight import SetupError

        with pytest.raises(SetupError, match='packages failed with exit status 3') as error:
            self.failing_job(tmp_path, text).raise_if_failed()
        message = str(error.value)
        assert advice in message
        assert text.splitlines()[0] in message and str(tmp_path / 'install.log') in message

    def test_failure_shows_the_last_lines(self, tmp_path):
        from preflight import SetupError

        text = '\n'.join(f'line {number:03d}' for number in range(100))
        with pytest.raises(SetupError) as error:
            self.failing_job(tmp_path, text).raise_if_failed()
        assert re.findall(r'line \d+', str(error.value)) == [
            f'line {n:03d}' for n in range(85, 100)
        ]

    def test_output_is_of_this_command_only(self, tmp_path):
        from commands import Job

        log = tmp_path / 'install.log'
        log.write_text('NewConnectionError of last week\n')
        job = Job('count', [sys.executable, '-c', "print('  [3/77] c++')"], log)
        job.process.wait()
        assert job.output() == '  [3/77] c++\n'
        assert job.status() == 'count 3/77'

    def test_lock_is_held_until_the_last_child_ends(self, tmp_path):
        from commands import Job

        def lock():
            file = open(tmp_path / 'setup.lock', 'w')
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return file

        with lock() as held:
            command = ['sh', '-c', 'sleep 60 & wait']
            job = Job('sleep', command, tmp_path / 'log', keep_fd=held.fileno())
        with pytest.raises(BlockingIOError):  # the set-up died, its command did not
            lock()
        job.stop()
        for _ in range(1000):  # the kernel closes the files of a killed child a moment later
            try:
                lock().close()
                break
            except BlockingIOError:
                time.sleep(0.01)
        else:
            pytest.fail('the lock is held by a command that was stopped')

    def test_progress_without_terminal(self, tmp_path, capsys):
        from commands import Job, Progress

        job = Job('packages', ['sleep', '0.5'], tmp_path / 'log')
        Progress(interval=0.1).wait(job)
        lines = [line.split('] ', 1)[1] for line in capsys.readouterr().out.splitlines()]
        assert lines[0] == 'packages ...' and '  ... packages' in lines
        assert re.fullmatch(r'packages: done in \d+ s', lines[-1])


class TestEnvironment:
    def test_stamps(self, environment):
        assert not environment.is_done('packages', 'a')
        environment.record('packages', 'a')
        assert environment.is_done('packages', 'a')
        assert not environment.is_done('packages', 'b')
        environment.record('packages', 'b')
        environment.record('imports', 'c')
        assert environment.is_done('packages', 'b')
        assert [file.name for file in environment.stamps(besides='imports')] == ['packages']

    def test_digest_sees_texts_files_and_their_limits(self, tmp_path):
        from environment import digest

        file = tmp_path / 'requirements.txt'
        file.write_text('numpy')
        assert digest(file) == digest('numpy') == digest('numpy')
        assert len({digest('ab', 'c'), digest('a', 'bc'), digest('abc')}) == 3
        before = digest(file)
        file.write_text('numpy==1.26.4')
        assert digest(file) != before

    def test_versions(self, environment):
        assert environment.version('torch') is None and environment.torch_build() is None
        install(environment, 'torch', '2.13.0')
        (environment.site / 'torch').mkdir()
        text = "from typing import Optional\n__version__ = '2.13.0+cu130'\ncuda = '13.0'\n"
        (environment.site / 'torch' / 'version.py').write_text(text)
        assert environment.version('torch') == '2.13.0'
        assert environment.torch_build() == '2.13.0+cu130'

    def test_versions_of_a_base_torch(self, environment, tmp_path):
        base = type(environment)(tmp_path / 'base')
        base.site.mkdir(parents=True)
        install(base, 'torch', '2.11.0')
        environment.base_torch_pth.write_text(f'{base.site}\n')
        assert environment.version('torch') == '2.11.0'
        install(environment, 'torch', '2.13.0')  # what is in .venv hides the base
        assert environment.version('torch') == '2.13.0'

    def test_half_installed_packages_are_forgotten(self, environment):
        install(environment, 'numpy', '1.26.4')
        install(environment, 'torch', '2.13.0', installer=None)
        environment.remove_halves()
        assert environment.version('torch') is None
        assert environment.version('numpy') == '1.26.4'


class TestTorchChoice:
    BASE = ('2.11.0', Path('/opt/conda/site-packages'))

    def test_order(self, environment):
        from environment import DEFAULT, choose_torch

        assert choose_torch(environment, '', None).requirement == DEFAULT
        chosen = choose_torch(environment, '', self.BASE)
        assert (chosen.requirement, chosen.base_folder) == (None, self.BASE[1])
        install(environment, 'torch', '2.12.0')
        chosen = choose_torch(environment, '', self.BASE)
        assert chosen[:2] == (None, None) and 'torch 2.12.0, which .venv has' in chosen.reason
        assert choose_torch(environment, 'torch==2.9.0', self.BASE).requirement == 'torch==2.9.0'

    @pytest.mark.parametrize(
        ('version', 'expected'),
        [('2.13.0+cpu', '0.28.*'), ('2.11.0', '0.26.*'), ('2.0.1', '0.15.*')],
    )
    def test_constraints(self, version, expected):
        from environment import constraints_for

        lines = constraints_for(version, 'numpy==1.26.4\n').splitlines()
        assert f'torch=={version}' in lines and f'torchvision=={expected}' in lines
        assert lines[0] == 'numpy==1.26.4'

    def test_every_pin_has_a_reason(self):
        pins = (ROOT / 'requirements' / 'constraints.txt').read_text().splitlines()
        pins = [line for line in pins if line and not line.startswith('#')]
        assert all(re.fullmatch(r'[a-z0-9_-]+==\S+ +# \S.*', line) for line in pins)
        assert not any(line.startswith(('torch==', 'torchvision==')) for line in pins)


class TestMmcvWheel:
    def test_key_names_all_that_matters(self):
        from mmcv_wheel import wheel_key

        key = wheel_key('2.1.0', '2.13.0+cpu', 'cpu')
        python = 'cp{}{}'.format(*sys.version_info)
        assert re.fullmatch(rf'mmcv-2\.1\.0_torch-2\.13\.0\+cpu_{python}_[\w.-]+_cpu', key)
        others = [
            ('2.1.1', '2.13.0+cpu', 'cpu'),
            ('2.1.0', '2.13.0', 'cpu'),
            ('2.1.0', '2.13.0', 'x'),
        ]
        assert len({key, *(wheel_key(*other) for other in others)}) == 4

    def test_cache_folder(self, tmp_path):
        from mmcv_wheel import cache_folder

        assert cache_folder({'XDG_CACHE_HOME': str(tmp_path)}) == tmp_path / 'mmamf' / 'wheels'
        assert cache_folder({}) == Path.home() / '.cache' / 'mmamf' / 'wheels'

    def test_store_and_find(self, tmp_path):
        from mmcv_wheel import find_wheel, store_wheel

        wheel, folder = tmp_path / 'mmcv-2.1.0-cp311-cp311-linux.whl', tmp_path / 'cache' / 'key'
        wheel.write_bytes(b'wheel')
        assert find_wheel(folder) is None
        stored = store_wheel(wheel, folder)
        assert stored == find_wheel(folder) and stored.read_bytes() == b'wheel'
        assert [file.name for file in folder.iterdir()] == [wheel.name]

    def test_copy_that_was_cut_off_is_not_found(self, tmp_path):
        from mmcv_wheel import find_wheel

        (tmp_path / '.mmcv-2.1.0-cp311-cp311-linux.whl.4711').touch()
        assert find_wheel(tmp_path) is None

    def test_jobs(self, monkeypatch):
        import mmcv_wheel

        assert mmcv_wheel.job_count({'MAX_JOBS': '3'}) == 3
        assert 1 <= mmcv_wheel.job_count({}) <= os.cpu_count()
        monkeypatch.setattr(mmcv_wheel, 'MEMORY_PER_JOB', 2.0**60)
        assert mmcv_wheel.job_count({}) == 1


class Interrupted(Exception):
    """Stands for Ctrl-C or a power cut."""


@pytest.fixture
def make_workshop(monkeypatch, tmp_path):
    """Maker of a workshop whose commands only leave behind what the real ones would.

    ``make_workshop(stop_at=..., error=..., replaces_torch=...)``: labels of the step that ends in
    an error, and of the one that brings another torch. ``ran``: the labels of all that was run.
    """
    import installer
    from commands import Workshop

    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path / 'cache'))
    for name in ('TORCH', 'FORCE_CUDA'):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(installer, 'base_torch', lambda: None)
    for name in ('check_venv_module', 'check_disk', 'check_compiler'):
        monkeypatch.setattr(installer, name, lambda *_: None)

    class Progress:
        def say(self, text):
            pass

        def wait(self, job, background=None):
            job()

    class FakeWorkshop(Workshop):
        def __init__(self, stop_at=None, error=Interrupted, replaces_torch=None):
            super().__init__(tmp_path / 'venv', Progress())
            self.ran, self.pip_calls = [], []
            self.stop_at, self.error, self.replaces_torch = stop_at, error, replaces_torch

        def do(self, label, command):
            self.ran.append(label)
            if '-m pip' in ' '.join(command):
                self.pip_calls.append(command)
            if label == self.stop_at:
                raise self.error
            if label.startswith('virtual environment'):
                self.environment.python.parent.mkdir()
                self.environment.python.touch()
                self.environment.site.mkdir(parents=True)
                install(self.environment, 'pip', '25.0')
            if label == 'torch and build tools':
                self._install_torch('2.13.0')
            if label in ('mmcv', 'mmamf'):
                remove(self.environment, label)
                install(self.environment, label, '2.1.0')
            if label == self.replaces_torch:
                self._install_torch('2.14.0')
            return 'ops=cpu\n'

        def _install_torch(self, version):
            remove(self.environment, 'torch')
            install(self.environment, 'torch', version)
            (self.environment.site / 'torch').mkdir(exist_ok=True)
            file = self.environment.site / 'torch' / 'version.py'
            file.write_text(f"__version__ = '{version}+cpu'\n")

        def start(self, label, command, log):
            def build():
                self.ran.append(label)
                folder = Path(command[-3])
                folder.mkdir()
                (folder / 'mmcv-2.1.0-cp311-cp311-linux.whl').touch()

            self.background = build

    return FakeWorkshop


def remove(environment, name):
    """Uninstall what `install` wrote."""
    for info in environment.site.glob(f'{name}-*.dist-info'):
        shutil.rmtree(info)


class TestInstaller:
    STEPS = [
        'virtual environment venv',
        'torch and build tools',
        'mmcv: looking for CUDA',
        'packages',
        'packages without dependencies',
        'mmcv build (cpu)',
        'mmcv',
        'mmcv: trying its ops',
        'mmamf',
        'trying the imports',
    ]

    def run(self, workshop):
        from installer import Installer

        Installer(workshop).run()
        return workshop.ran

    def test_second_run_calls_nothing(self, make_workshop):
        first = make_workshop()
        assert self.run(first) == self.STEPS
        assert len(first.pip_calls) == 5
        second = make_workshop()
        assert self.run(second) == [] and second.pip_calls == []

    def test_torch_is_fixed_for_all_later_steps(self, make_workshop):
        workshop = make_workshop()
        self.run(workshop)
        for command in workshop.pip_calls[1:]:
            assert command[command.index('-c') + 1] == str(workshop.constraints)
        assert '\ntorch==2.13.0\n' in workshop.constraints.read_text()

    @pytest.mark.parametrize(
        'label', ['packages', 'packages without dependencies', 'mmcv', 'mmamf']
    )
    def test_step_that_replaces_torch_is_an_error(self, make_workshop, label):
        from preflight import SetupError

        message = r'torch was 2\.13\.0\+cpu and is 2\.14\.0\+cpu now(?s:.)*install\.log(?s:.)*rm -r'
        with pytest.raises(SetupError, match=message):
            self.run(make_workshop(replaces_torch=label))

    def test_wheel_is_taken_from_the_cache(self, make_workshop):
        first = make_workshop()
        self.run(first)
        shutil.rmtree(first.environment.root)  # another checkout, the same user
        second = make_workshop()
        assert self.run(second) == [step for step in self.STEPS if 'build (' not in step]
        (wheel,) = (command[-1] for command in second.pip_calls if 'mmcv' in command[-1])
        assert '/cache/mmamf/wheels/mmcv-2.1.0_torch-2.13.0+cpu_' in wheel

    def test_wheel_whose_ops_fail_leaves_the_cache(self, make_workshop, tmp_path):
        from preflight import SetupError

        workshop = make_workshop(stop_at='mmcv: trying its ops', error=SetupError)
        with pytest.raises(SetupError, match='It was removed from the cache'):
            self.run(workshop)
        assert not list((tmp_path / 'cache').rglob('*.whl'))

    @pytest.mark.parametrize(
        ('stop_at', 'expected'),
        [
            ('virtual environment venv', STEPS),
            ('torch and build tools', STEPS[1:]),
            ('packages', STEPS[2:]),
            ('packages without dependencies', [STEPS[2], *STEPS[4:]]),
            # built, but not installed: from the cache
            ('mmcv', [STEPS[2], *STEPS[6:]]),
            ('mmamf', STEPS[8:]),
            ('trying the imports', STEPS[9:]),
        ],
    )
    def test_repeated_after_an_interruption(self, make_workshop, stop_at, expected):
        with pytest.raises(Interrupted):
            self.run(make_workshop(stop_at=stop_at))
        assert self.run(make_workshop()) == expected
        assert self.run(make_workshop()) == []


@pytest.fixture(scope='module')
def checkout(tmp_path_factory):
    """A copy of what a clone has, as far as packaging looks at it, in a git repository."""
    folder = tmp_path_factory.mktemp('clone')
    for name in ('mmamf', 'configs', 'tools'):
        ignore = shutil.ignore_patterns('__pycache__', '.mim')
        shutil.copytree(ROOT / name, folder / name, ignore=ignore)
    for name in (
        'setup.py',
        'mmamf_command.py',
        'pyproject.toml',
        'MANIFEST.in',
        'LICENSE',
        'model-index.yml',
        '.gitignore',
    ):
        shutil.copy(ROOT / name, folder / name)
    for command in (['init', '-q'], ['add', '-A']):
        subprocess.run(['git', *command], cwd=folder, check=True)
    return folder


def pip(*arguments):
    """Run pip offline, in this environment's Python."""
    command = [sys.executable, '-m', 'pip', '-q', '--disable-pip-version-check', *arguments]
    subprocess.run(command, check=True, capture_output=True)


def litter(folder):
    """Return what git would show as not committed."""
    status = ['git', 'status', '--porcelain', '--untracked-files=all']
    lines = subprocess.run(status, cwd=folder, capture_output=True, text=True).stdout.splitlines()
    return [line for line in lines if not line.startswith('A  ')]


READ_BY_NAME = """
import mmamf
from mmengine import Config
config = Config.fromfile('child.py')
print(mmamf.__file__, config.child, 'model' in config)
"""


@pytest.mark.skipif(not shutil.which('git'), reason='git is not installed')
class TestPackaging:
    def test_wheel_holds_configs_and_tools(self, checkout, tmp_path):
        options = ['--no-deps', '--no-build-isolation', '--no-index', '-w', str(tmp_path)]
        pip('wheel', str(checkout), *options)
        wheel = zipfile.ZipFile(next(tmp_path.glob('mmamf-*.whl')))
        names = wheel.namelist()
        configs = [
            file.relative_to(checkout).as_posix() for file in (checkout / 'configs').rglob('*.py')
        ]
        assert configs, 'no configs to look for'
        assert not {f'mmamf/.mim/{name}' for name in configs} - set(names)
        assert 'mmamf/.mim/model-index.yml' in names and 'mmamf/version.py' in names
        assert not [name for name in names if 'tools/setup' in name or '__pycache__' in name]
        assert not [name for name in names if not re.match(r'mmamf([/-]|_command\.py$)', name)]
        assert litter(checkout) == []

        wheel.extractall(tmp_path / 'site')
        name = next(name for name in configs if name.startswith('configs/amf/'))
        (tmp_path / 'child.py').write_text(
            f"_base_ = 'mmamf::{name[len('configs/') :]}'\nchild = 1\n"
        )
        result = subprocess.run(
            [sys.executable, '-c', READ_BY_NAME],
            env={**os.environ, 'PYTHONPATH': str(tmp_path / 'site')},
            cwd=tmp_path,
            capture_output=True,
            text=True,
        )
        package = tmp_path / 'site' / 'mmamf' / '__init__.py'
        assert result.stdout.split() == [str(package), '1', 'True'], result.stderr
