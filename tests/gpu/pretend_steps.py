"""Trains and tests small models on the pretended device, and prints what waited for it.

The arguments name the steps; each prints a line of JSON. Each runs on the CPU, too, so that the
numbers can be compared.
"""

import json
import sys
import warnings
from collections.abc import Callable

import torch
from mmengine.registry import init_default_scope
from pretend_device import PretendDevice, provide_device
from small_models import (
    make_batch,
    make_optimizer,
    make_segmentor,
    make_translation_batch,
    make_translator,
)
from torch import nn

from mmamf.evaluation import MultimodalIoUMetric

Step = Callable[[], dict]  # returns numbers, by name


def train(device, absent=False, rate=0, layout=torch.contiguous_format) -> Step:
    model = make_segmentor(exchange_dropout=rate).to(device, memory_format=layout).train()
    optimizer = make_optimizer(model)
    return lambda: model.train_step(make_batch(absent), optimizer)


def train_absent(device) -> Step:
    return train(device, absent=True)


def train_parts(device) -> Step:
    return train(device, absent=True, rate=1)


def train_channels_last(device) -> Step:
    return train(device, absent=True, layout=torch.channels_last)


def train_sync_bn(device) -> Step:
    model = nn.SyncBatchNorm.convert_sync_batchnorm(make_segmentor()).to(device).train()
    optimizer = make_optimizer(model)
    return lambda: model.train_step(make_batch(), optimizer)


def train_scaled(device) -> Step:
    """With the scaling of the loss that float16 needs, but without float16."""
    model = make_segmentor().to(device).train()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    scaler = torch.amp.GradScaler(device.type)

    def step():
        data = model.data_preprocessor(make_batch(absent=True), True)
        loss, logged = model.parse_losses(model(**data, mode='loss'))
        optimizer.zero_grad()
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()
        return logged

    return step


def train_translation(device) -> Step:
    model = make_translator().to(device).train()
    optimizer = make_optimizer(model)
    return lambda: model.train_step(make_translation_batch(), optimizer)


def predict(device, **test_cfg) -> Step:
    model = make_segmentor(**test_cfg).to(device).eval()
    return lambda: _sums('seg_logits', model.test_step(make_batch(absent=True)))


def predict_windows(device) -> Step:
    return predict(device, mode='slide', crop_size=(32, 32), stride=(16, 16))


def predict_bare(device) -> Step:
    """Without data samples."""
    model = make_segmentor().to(device).eval()
    return lambda: _sums('seg_logits', model.test_step(dict(inputs=make_batch()['inputs'])))


def validate(device) -> Step:
    model = make_segmentor().to(device).eval()
    metric = MultimodalIoUMetric()
    metric.dataset_meta = dict(classes=tuple('abcd'))

    def step():
        samples = model.val_step(make_batch(absent=True))
        metric.process({}, [sample.to_dict() for sample in samples])
        return dict(correct=metric.results[-1]['ensemble'][0].sum())

    return step


def predict_translation(device) -> Step:
    model = make_translator().to(device).eval()
    return lambda: _sums('fake_img', model.test_step(make_translation_batch()))


def _sums(key: str, samples: list) -> dict:
    maps = [sample.get(key) for sample in samples]
    return {str(i): getattr(x, 'data', x).double().sum() for i, x in enumerate(maps)}


def _run(step: Step, mode: PretendDevice | None = None) -> dict:
    """Run a step twice, as the first time may do more; return the numbers of the second."""
    for _ in range(2):
        torch.manual_seed(3)
        if mode is not None:
            mode.waits.clear()
        out = step()
    return out


def main(names: list[str]) -> None:
    warnings.filterwarnings('ignore')
    init_default_scope('mmseg')
    device = provide_device()
    for name in names:
        make = globals()[name]
        with torch.set_grad_enabled(name.startswith('train')):
            expected = _run(make(torch.device('cpu')))
            with PretendDevice() as mode:
                found = _run(make(device), mode)
                waits = dict(mode.waits)
                values = {key: float(value) for key, value in found.items()}
        expected = {key: float(value) for key, value in expected.items()}
        print(json.dumps({name: dict(waits=waits, values=values, expected=expected)}), flush=True)


if __name__ == '__main__':
    main(sys.argv[1:])
