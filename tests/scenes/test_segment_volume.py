"""NIfTI volumes: every slice is segmented like a file, and the geometry is kept."""

import sys

import numpy as np
import pytest

from mmamf.scenes import segment_volume

nibabel = pytest.importorskip('nibabel', reason='nibabel is not installed')

SPECS = dict(
    flair=dict(channels=1, dtype='int16', missing=0),
    t1=dict(channels=1, dtype='float32', optional=True),
)
AFFINE = np.array([[0.9, 0.1, 0, -80], [-0.1, 0.9, 0, 40], [0, 0, 2.5, 7], [0, 0, 0, 1]])


@pytest.fixture
def write_volume(tmp_path):
    """Writer of a NIfTI file: ``write_volume('a.nii', values, affine=AFFINE)``."""

    def write(name, values, affine=AFFINE, kind=nibabel.Nifti1Image):
        image = kind(values, affine)
        image.header.set_xyzt_units('mm', 'sec')
        image.set_qform(affine, code=1)
        image.set_sform(affine, code=4)
        nibabel.save(image, tmp_path / name)
        return str(tmp_path / name)

    return write


@pytest.fixture
def values():
    rng = np.random.default_rng(0)
    flair = rng.integers(1, 300, (20, 30, 7)).astype(np.int16)
    flair[..., 5:] = 0
    return dict(flair=flair, t1=rng.uniform(0, 200, (20, 30, 7)).astype(np.float32))


@pytest.mark.parametrize('suffix', ['.nii', '.nii.gz'])
@pytest.mark.parametrize('version', [1, 2])
@pytest.mark.parametrize('batch_size', [1, 3])
def test_slices_and_geometry(
    make_segmentor, write_volume, values, tmp_path, suffix, version, batch_size
):
    kind = (nibabel.Nifti1Image, nibabel.Nifti2Image)[version - 1]
    values['t1'][..., 6] = np.nan  # no reading at all in the last slice
    files = {name: write_volume(f'{name}{suffix}', v, kind=kind) for name, v in values.items()}
    segmentor = make_segmentor(SPECS, optional=['flair'], batch_size=batch_size)
    usage = segment_volume(segmentor, files, tmp_path / f'out{suffix}', False)
    out, source = nibabel.load(tmp_path / f'out{suffix}'), nibabel.load(files['flair'])
    found = np.asarray(out.dataobj)
    assert found.shape == (20, 30, 7) and out.get_data_dtype() == np.uint8
    for k in range(6):
        inputs = np.stack([values[name][..., k] for name in SPECS]).astype(np.float32)
        inputs[0][inputs[0] == 0] = np.nan
        present = ('t1',) if k == 5 else ('flair', 't1')
        expected = segmentor.segmentor.scores_of(dict(inputs=inputs, present=present)).argmax(0)
        np.testing.assert_array_equal(found[..., k], expected)
    assert (found[..., 6] == 255).all() and '1 without any reading' in str(usage)
    assert usage.pixels == 20 * 30 * 7
    np.testing.assert_array_equal(out.affine, source.affine)
    assert out.header.get_zooms() == source.header.get_zooms()
    assert out.header.get_xyzt_units() == ('mm', 'sec') and type(out) is type(source)
    assert (int(out.header['qform_code']), int(out.header['sform_code'])) == (1, 4)


def test_scaled_values(make_segmentor, write_volume, values, tmp_path):
    """Integers with a scale in the header are floats for the reader."""
    path = write_volume('t1.nii', values['t1'])
    image = nibabel.Nifti1Image(values['t1'], AFFINE)
    image.set_data_dtype(np.int16)
    nibabel.save(image, path)
    stored = nibabel.load(path)
    assert stored.dataobj.slope != 1
    segmentor = make_segmentor(SPECS)
    segment_volume(segmentor, dict(t1=path), tmp_path / 'out.nii', False)
    t1 = np.asarray(stored.dataobj).astype(np.float32)
    inputs = np.stack([np.zeros_like(t1), t1])  # (2, H, W, slices)
    for k in range(7):
        item = dict(inputs=inputs[..., k], present=('t1',))
        expected = segmentor.segmentor.scores_of(item).argmax(0)
        np.testing.assert_array_equal(nibabel.load(tmp_path / 'out.nii').dataobj[..., k], expected)


@pytest.mark.parametrize('suffix', ['.nii', '.nii.gz'])
def test_one_slice_at_a_time(make_segmentor, write_volume, values, monkeypatch, tmp_path, suffix):
    """No call asks nibabel for more than one slice, and a compressed file is read forwards."""
    files = {name: write_volume(f'{name}{suffix}', v) for name, v in values.items()}
    asked = []
    proxy = nibabel.arrayproxy.ArrayProxy
    get = proxy.__getitem__
    monkeypatch.setattr(proxy, '__getitem__', lambda self, i: asked.append(i) or get(self, i))
    monkeypatch.setattr(proxy, '__array__', lambda *_: pytest.fail('the whole volume was read'))
    segment_volume(make_segmentor(SPECS, optional=['flair']), files, tmp_path / f'o{suffix}', False)
    assert asked == [(Ellipsis, k) for k in range(7) for _ in files]


class TestBadInput:
    def refuse(self, segmentor, files, tmp_path, message):
        with pytest.raises((ValueError, FileNotFoundError), match=message):
            segment_volume(segmentor, files, tmp_path / 'o' / 'out.nii', False)
        assert not list(tmp_path.glob('o/*')) and not list(tmp_path.glob('o/.*'))

    def test_shapes_and_affines_differ(self, make_segmentor, write_volume, values, tmp_path):
        segmentor = make_segmentor(SPECS)
        files = dict(flair=write_volume('flair.nii', values['flair']))
        files['t1'] = write_volume('t1.nii', values['t1'][:, 1:])
        message = (
            r'differ in shape: expected \[20, 30, 7\] as in .*flair.nii \(.flair.\), '
            r'got \[20, 29, 7\] in .*t1.nii'
        )
        self.refuse(segmentor, files, tmp_path, message)
        files['t1'] = write_volume('t1.nii', values['t1'], AFFINE + np.eye(4)[:, [1, 2, 3, 0]])
        message = r'differ in affine: expected \[\[0.9.* as in .*flair.nii .*, got .* in .*t1.nii'
        self.refuse(segmentor, files, tmp_path, message)

    def test_four_axes(self, make_segmentor, write_volume, values, tmp_path):
        path = write_volume('flair.nii', values['flair'][..., None].repeat(2, -1))
        message = r'flair.nii: expected a volume of 3 axes, got the shape \(20, 30, 7, 2\): write'
        self.refuse(make_segmentor(SPECS), dict(flair=path), tmp_path, message)

    def test_no_volume(self, make_segmentor, write_volume, values, tmp_path):
        segmentor, path = make_segmentor(SPECS), tmp_path / 'a.nii'
        self.refuse(segmentor, dict(t1=str(path)), tmp_path, 'volume not found: .*a.nii')
        path.write_text('no volume')
        message = 'a.nii: expected a NIfTI file, which nibabel cannot read'
        self.refuse(segmentor, dict(t1=str(path)), tmp_path, message)

    @pytest.mark.parametrize('suffix', ['.nii', '.nii.gz'])
    def test_truncated(self, make_segmentor, write_volume, values, tmp_path, suffix):
        path = tmp_path / write_volume(f't1{suffix}', values['t1'])
        path.write_bytes(path.read_bytes()[:-3000])
        message = r't1.nii.* is corrupt or truncated: slice \d cannot be read'
        self.refuse(make_segmentor(SPECS), dict(t1=str(path)), tmp_path, message)

    def test_dtype(self, make_segmentor, write_volume, values, tmp_path):
        path = write_volume('flair.nii', values['t1'])
        message = (
            r"modality 'flair': expected values that int16 holds, got .* as float32 in "
            r'.*flair.nii, slice 0'
        )
        self.refuse(make_segmentor(SPECS), dict(flair=path), tmp_path, message)

    def test_a_slice_without_reading(self, make_segmentor, write_volume, values, tmp_path):
        files = {name: write_volume(f'{name}.nii', v) for name, v in values.items()}
        message = r"'flair': expected at least one reading.*flair.nii, slice 5.*--optional flair"
        self.refuse(make_segmentor(SPECS), files, tmp_path, message)

    def test_the_result_exists(self, make_segmentor, write_volume, values):
        path = write_volume('t1.nii', values['t1'])
        with pytest.raises(ValueError, match='t1.nii: expected a result that is no input'):
            segment_volume(make_segmentor(SPECS), dict(t1=path), path)
        with pytest.raises(ValueError, match='flair.nii: expected no such file'):
            out = write_volume('flair.nii', values['flair'])
            segment_volume(make_segmentor(SPECS), dict(t1=path), out)

    def test_nibabel_is_not_installed(self, make_segmentor, tmp_path, monkeypatch):
        monkeypatch.setitem(sys.modules, 'nibabel', None)
        with pytest.raises(ImportError, match='a NIfTI volume needs nibabel: pip install nibabel'):
            segment_volume(make_segmentor(SPECS), dict(t1='t1.nii'), tmp_path / 'out.nii')
