"""Where the host waits for its device, and that all tensors are there: on a pretended device."""

import json
from pathlib import Path

import pytest
import torch.utils.backend_registration as registration

HERE = Path(__file__).parent
# what may wait, and how often
WAITS = {
    'train': {},
    'train_absent': {},
    'train_parts': {},
    'train_channels_last': {},
    'train_sync_bn': {},
    # whether a gradient is infinite decides about the optimizer's step
    'train_scaled': {'_local_scalar_dense in torch': 1},
    'train_translation': {},
    'predict': {},
    'predict_windows': {'_local_scalar_dense in mmseg:encoder_decoder.slide_inference': 1},
    'predict_bare': {},
    # results of 8 predictions: the ensemble and its modalities, of which one is absent once
    'validate': {
        'index in mmseg:iou_metric.intersect_and_union': 24,
        'from device in mmseg:iou_metric.intersect_and_union': 24,
    },
    # three stacks of images, and the truth of two samples
    'predict_translation': {
        'from device in mmamf:multimodal_pix2pix.<genexpr>': 3,
        'from device in mmamf:multimodal_pix2pix._pack': 2,
    },
}


@pytest.fixture(scope='module')
def report(tmp_path_factory, forking_context):
    if not hasattr(registration, '_setup_privateuseone_for_python_backend'):
        pytest.skip('needs a torch that takes a device made in Python')
    import processes

    output = tmp_path_factory.mktemp('waits') / 'output.txt'
    process = forking_context.Process(
        target=processes.run_script, args=(str(HERE / 'pretend_steps.py'), list(WAITS), output)
    )
    process.start()
    process.join(1800)
    assert process.exitcode == 0, output.read_text()[-3000:]
    lines = [line for line in output.read_text().splitlines() if line.startswith('{"')]
    return {name: found for line in lines for name, found in json.loads(line).items()}


@pytest.mark.parametrize('name', WAITS)
def test_waits_only_where_it_must(report, name):
    assert report[name]['waits'] == WAITS[name]


@pytest.mark.parametrize('name', WAITS)
def test_computes_what_the_cpu_computes(report, name):
    assert report[name]['values'] == pytest.approx(report[name]['expected'], rel=1e-5)
