"""The set-up: its choices, its messages and its stamps, without installing anything."""

import fcntl
import os
import re
import shutil
import signal
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
    info = environment.site / f'{name.replace("-", "_")}-{version}.dist-info'
    info.mkdir()
    (info / 'METADATA').write_text(f'Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n')
    if installer:
        (info / 'INSTALLER').write_text(f'{installer}\n')


def fake_python(folder, name, version):
    """Write a command that answers the version checks as a Python of that version would."""
    fits = int((3, 10) <= version <= (3, 12))
    command = folder / name
    answer = '{}.{}.1'.format(*version)
    command.write_text(f'#!/bin/sh\ncase "$2" in *exit*) exit {1 - fits};; esac\necho {answer}\n')
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
        assert 'python3: 3.13.1\n' in result.stderr and 'python3.11: does not run' in result.stderr
        assert 'sudo apt-get install python3.11 python3.11-venv\n' in result.stderr
        assert 'make demo PYTHON=/path/to/python3.11' in result.stderr

    @pytest.mark.parametrize('version', [(3, 10), (3, 11), (3, 12)])
    def test_named(self, tmp_path, version):
        fake_python(tmp_path, 'python3.11', (3, 11))
        fake_python(tmp_path, 'my python', version)
        assert find_python(tmp_path, 'my python').stdout == 'my python\n'
        assert find_python(tmp_path, str(tmp_path / 'my python')).returncode == 0

    def test_named_but_missing(self, tmp_path):
        fake_python(tmp_path, 'python3.11', (3, 11))
        result = find_python(tmp_path, 'python9')
        assert result.returncode == 1 and not result.stdout
        assert 'python9: does not run' in result.stderr and '3.11.1' not in result.stderr

    @pytest.mark.parametrize('version', [(2, 7), (3, 9), (3, 13)])
    def test_wrong_version(self, tmp_path, version):
        fake_python(tmp_path, 'mine', version)
        result = find_python(tmp_path, 'mine')
        assert result.returncode == 1 and not result.stdout
        assert 'mine: {}.{}.1\n'.format(*version) in result.stderr
        assert 'make demo PYTHON=/path/to/python3.11' in result.stderr

    def test_venv_of_another_version(self, environment):
        from preflight import SetupError

        config = environment.root / 'pyvenv.cfg'
        config.write_text('version = {}.{}.1\n'.format(*sys.version_info))
        environment.check_python()
        config.write_text('version = 3.8.1\n')
        with pytest.raises(SetupError, match=r'was made with Python 3\.8.*(?s:.)*rm -r'):
            environment.check_python()


class TestPreflight:
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


@pytest.fixture
def workshop(tmp_path):
    """A workshop without an environment."""
    from commands import Workshop

    return Workshop(tmp_path / 'venv')


class TestCommands:
    def fail(self, workshop, text):
        workshop.do('packages', sys.executable, '-c', f'print({text!r}); raise SystemExit(3)')

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
        ],
    )
    def test_failure_says_what_to_do(self, workshop, text, advice):
        from preflight import SetupError

        with pytest.raises(SetupError, match='packages failed with exit status 3') as error:
            self.fail(workshop, text)
        message = str(error.value)
        assert advice in message
        assert text.splitlines()[0] in message and str(workshop.log) in message

    def test_failure_shows_the_last_lines_of_this_command_only(self, workshop):
        from preflight import SetupError

        workshop.log.write_text('NewConnectionError of last week\n')
        text = '\n'.join(f'line {number:03d}' for number in range(100))
        with pytest.raises(SetupError) as error:
            self.fail(workshop, text)
        assert re.findall(r'line \d+', str(error.value)) == [
            f'line {n:03d}' for n in range(85, 100)
        ]
        assert 'registry' not in str(error.value)

    def start(self, workshop, command):
        """Start a set-up whose only step is a shell command; return it when the command runs."""
        code = (
            f'import signal, sys; sys.path.insert(0, {str(SETUP)!r})\n'
            'from pathlib import Path\nfrom commands import Workshop\nimport installer\n'
            'signal.signal(signal.SIGTERM, installer._interrupt)\n'
            f'workshop = Workshop(Path({str(workshop.environment.root)!r}))\n'
            'workshop.take_lock()\n'
            f'workshop.do("sleep", "sh", "-c", {f"echo $$; {command}"!r})\n'
        )
        process = subprocess.Popen([sys.executable, '-c', code], stderr=subprocess.DEVNULL)
        wait_for(lambda: pid_in(workshop.log))
        assert not is_free(workshop)
        return process

    def test_lock_is_held_until_the_last_command_ends(self, workshop):
        process = self.start(workshop, 'exec sleep 60')
        process.kill()
        process.wait()
        assert not is_free(workshop)  # the set-up died, its command did not
        os.kill(pid_in(workshop.log), signal.SIGKILL)
        wait_for(lambda: is_free(workshop))

    def test_interruption_stops_all_that_a_command_started(self, workshop):
        process = self.start(workshop, 'sleep 60 & wait')
        process.terminate()
        process.wait()
        wait_for(lambda: is_free(workshop))

    def test_progress(self, workshop, monkeypatch, capsys):
        monkeypatch.setattr('commands.INTERVAL', 0.1)
        workshop.do('packages', 'sleep', '0.5')
        lines = [line.split('] ', 1)[1] for line in capsys.readouterr().out.splitlines()]
        assert lines[0] == 'packages ...' and '  ... packages' in lines
        assert re.fullmatch(r'packages: done in \d+ s', lines[-1])


def pid_in(log):
    """Return the number that a command has printed into the log, None if it has not yet."""
    found = re.search(r'^(\d+)$', log.read_text() if log.exists() else '', flags=re.MULTILINE)
    return int(found[1]) if found else None


def wait_for(condition):
    """Wait until a condition holds: the system may need a moment."""
    for _ in range(1000):
        if condition():
            return
        time.sleep(0.01)
    pytest.fail('waited in vain')


def is_free(workshop):
    """Tell whether a set-up would take the lock at once."""
    with open(workshop.environment.root / 'setup.lock', 'w') as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


class TestEnvironment:
    def test_stamps(self, environment):
        assert not environment.is_done('packages', 'a')
        environment.record('packages', 'a')
        assert environment.is_done('packages', 'a')
        assert not environment.is_done('packages', 'b')
        environment.record('packages', 'b')
        environment.record('mmamf', 'c')
        assert environment.is_done('packages', 'b') and environment.is_done('mmamf', 'c')
        stamps = environment.root / 'stamps'
        assert sorted(file.name for file in stamps.iterdir()) == ['mmamf', 'packages']

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

        assert choose_torch(environment, '', None)[:2] == (DEFAULT, None)
        assert choose_torch(environment, '', self.BASE)[:2] == (None, self.BASE[1])
        install(environment, 'torch', '2.12.0')
        *chosen, reason = choose_torch(environment, '', self.BASE)
        assert chosen == [None, None] and 'torch 2.12.0, which .venv has' in reason
        assert choose_torch(environment, 'torch==2.9.0', self.BASE)[0] == 'torch==2.9.0'

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

    monkeypatch.delenv('TORCH', raising=False)
    monkeypatch.setattr(installer, 'base_torch', lambda: None)
    for name in ('check_venv_module', 'check_disk'):
        monkeypatch.setattr(installer, name, lambda *_: None)

    class FakeWorkshop(Workshop):
        def __init__(self, stop_at=None, error=Interrupted, replaces_torch=None):
            super().__init__(tmp_path / 'venv')
            self.ran, self.pip_calls = [], []
            self.stop_at, self.error, self.replaces_torch = stop_at, error, replaces_torch

        def do(self, label, *command):
            self.ran.append(label)
            if 'install' in command:
                self.pip_calls.append(command)
            if label == self.stop_at:
                raise self.error
            if label.startswith('virtual environment'):
                self.environment.python.parent.mkdir()
                self.environment.python.touch()
                self.environment.site.mkdir(parents=True)
                install(self.environment, 'pip', '25.0')
            if label == 'torch':
                self._install_torch('2.13.0')
            if label == 'removing mmcv':
                remove(self.environment, 'mmcv', 'mmcv-lite')
            if label == 'mmamf and mmcv':
                for name in {'mmamf', command[-1]} & {'mmamf', 'mmcv-lite'}:
                    remove(self.environment, name)
                    install(self.environment, name, '2.1.0')
            if label == self.replaces_torch:
                self._install_torch('2.14.0')

        def _install_torch(self, version):
            remove(self.environment, 'torch')
            install(self.environment, 'torch', version)
            (self.environment.site / 'torch').mkdir(exist_ok=True)
            file = self.environment.site / 'torch' / 'version.py'
            file.write_text(f"__version__ = '{version}+cpu'\n")

    return FakeWorkshop


def remove(environment, *names):
    """Uninstall what `install` wrote."""
    for name in names:
        for info in environment.site.glob(f'{name.replace("-", "_")}-*.dist-info'):
            shutil.rmtree(info)


class TestInstaller:
    STEPS = [
        'virtual environment venv',
        'torch',
        'packages',
        'mmamf and mmcv',
        'trying the imports',
    ]

    def run(self, workshop):
        from installer import Installer

        Installer(workshop).run()
        return workshop.ran

    def mmcv(self, workshop):
        """Return the versions of the two packages that are `mmcv`."""
        return [workshop.environment.version(name) for name in ('mmcv', 'mmcv-lite')]

    def test_second_run_calls_nothing(self, make_workshop):
        first = make_workshop()
        assert self.run(first) == self.STEPS
        assert len(first.pip_calls) == 3
        second = make_workshop()
        assert self.run(second) == [] and second.pip_calls == []

    def test_torch_is_fixed_for_all_later_steps(self, make_workshop):
        workshop = make_workshop()
        self.run(workshop)
        for command in workshop.pip_calls[1:]:
            assert command[command.index('-c') + 1] == str(workshop.constraints)
        assert '\ntorch==2.13.0\n' in workshop.constraints.read_text()

    @pytest.mark.parametrize('label', ['packages', 'mmamf and mmcv'])
    def test_step_that_replaces_torch_is_an_error(self, make_workshop, label):
        from preflight import SetupError

        message = r'torch was 2\.13\.0\+cpu and is 2\.14\.0\+cpu now(?s:.)*install\.log(?s:.)*rm -r'
        with pytest.raises(SetupError, match=message):
            self.run(make_workshop(replaces_torch=label))

    @pytest.mark.parametrize(
        ('stop_at', 'expected'),
        [
            ('virtual environment venv', STEPS),
            ('torch', STEPS[1:]),
            ('packages', STEPS[2:]),
            ('mmamf and mmcv', STEPS[3:]),
            ('trying the imports', STEPS[3:]),
        ],
    )
    def test_repeated_after_an_interruption(self, make_workshop, stop_at, expected):
        with pytest.raises(Interrupted):
            self.run(make_workshop(stop_at=stop_at))
        assert self.run(make_workshop()) == expected
        assert self.run(make_workshop()) == []

    def test_base_torch_is_used(self, make_workshop, monkeypatch, tmp_path):
        from environment import Environment

        base = Environment(tmp_path / 'base')
        (base.site / 'torch').mkdir(parents=True)
        install(base, 'torch', '2.11.0')
        (base.site / 'torch' / 'version.py').write_text("__version__ = '2.11.0+cu128'\n")
        monkeypatch.setattr('installer.base_torch', lambda: ('2.11.0', base.site))
        workshop = make_workshop()
        assert self.run(workshop) == [step for step in self.STEPS if step != 'torch']
        assert '\ntorch==2.11.0\n' in workshop.constraints.read_text()
        assert self.run(make_workshop()) == []

    def test_missing_package_of_the_last_step_is_installed_again(self, make_workshop):
        for name in ('mmamf', 'mmcv-lite'):
            self.run(make_workshop())
            remove(make_workshop().environment, name)
            assert self.run(make_workshop()) == self.STEPS[3:]

    def test_mmcv_is_the_one_without_operators(self, make_workshop):
        workshop = make_workshop()
        self.run(workshop)
        assert workshop.pip_calls[-1][-1] == 'mmcv-lite'
        assert self.mmcv(workshop) == [None, '2.1.0']

    def test_operators_that_load_stay(self, make_workshop):
        self.run(make_workshop())
        workshop = make_workshop()
        remove(workshop.environment, 'mmcv-lite')
        install(workshop.environment, 'mmcv', '2.1.0')
        assert self.run(workshop) == ['operators of mmcv', *self.STEPS[3:]]
        assert self.mmcv(workshop) == ['2.1.0', None]
        assert self.run(make_workshop()) == []

    @pytest.mark.parametrize(
        ('version', 'expected'),
        [('2.1.0', ['operators of mmcv', 'removing mmcv']), ('2.2.0', ['removing mmcv'])],
    )
    def test_other_mmcv_is_replaced(self, make_workshop, version, expected):
        from preflight import SetupError

        self.run(make_workshop())
        workshop = make_workshop(stop_at='operators of mmcv', error=SetupError)
        install(workshop.environment, 'mmcv', version)
        assert self.run(workshop) == [*expected, *self.STEPS[3:]]
        assert self.mmcv(workshop) == [None, '2.1.0']
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
        pages = [f'mmamf/deployment/web/{file}' for file in ('index.html', 'style.css', 'page.js')]
        assert not {*pages, 'mmamf/planning/report.html'} - set(names)
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
