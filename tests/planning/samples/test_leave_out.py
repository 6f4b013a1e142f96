"""Samples with an odd file are left out if they are few, and stay if they are many."""

import numpy as np
import pytest
from planted import change, make_clean_set

from mmamf.planning.prints.fingerprint import Fingerprint
from mmamf.planning.samples.find_data import find_data
from mmamf.planning.samples.leave_out import leave_out_unusable


@pytest.mark.parametrize(
    ('folder', 'faulty', 'reason'),
    [
        ('rgb', lambda x: x[..., 0], 'has 1 channel, and most files of rgb have 3'),
        (
            'depth',
            lambda x: (x / 20).astype(np.uint8),
            'has the dtype uint8, and most files of depth have uint16',
        ),
    ],
)
@pytest.mark.parametrize('count', [1, 2])
def test_few_other_files_are_left_out(tmp_path, folder, faulty, reason, count):
    root = make_clean_set(tmp_path / 'set')
    change(root / folder, faulty, count)
    data = find_data(root)
    left, reasons = leave_out_unusable(data, Fingerprint(data, tmp_path / 'c.sqlite', workers=1))
    if count == 1:  # of 24
        assert reasons == {'seq0_000': f'{folder}/seq0_000.png {reason}'}
        assert left.samples == data.samples[1:]
    else:
        assert reasons == {} and left.samples == data.samples
