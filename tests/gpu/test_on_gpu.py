"""On a GPU, everything computes what it computes on the CPU. MMAMF_DEVICE=cpu tries these tests."""

import copy

import pytest
import torch
import torch.distributed as dist
from mmengine.model import MMDistributedDataParallel
from small_models import (
    make_batch,
    make_optimizer,
    make_segmentor,
    make_translation_batch,
    make_translator,
)
from torch import nn

pytestmark = pytest.mark.gpu
LAYOUTS = [torch.contiguous_format, torch.channels_last]


@pytest.fixture(autouse=True)
def exact_kernels():
    """TF32, which convolutions use by default, would hide small errors."""
    with torch.backends.cudnn.flags(enabled=True, deterministic=True, allow_tf32=False):
        yield


def losses_and_gradients(model: nn.Module, device: torch.device, absent: bool) -> tuple:
    """Compute both on a device, in double precision; return them, and buffers, on the CPU."""
    model = copy.deepcopy(model).to(device).double().train()
    torch.manual_seed(1)  # exchange dropout
    data = model.data_preprocessor(make_batch(absent), True)
    losses = model.loss(data['inputs'].double(), data['data_samples'])
    loss, logged = model.parse_losses(losses)
    loss.backward()
    gradients = {name: p.grad.cpu() for name, p in model.named_parameters() if p.grad is not None}
    buffers = {f'{name}, buffer': value.cpu() for name, value in model.named_buffers()}
    return {name: value.detach().cpu() for name, value in logged.items()}, gradients | buffers


@pytest.mark.parametrize('layout', LAYOUTS, ids=str)
@pytest.mark.parametrize('rate', [0, 1], ids=['exchange', 'parts'])
@pytest.mark.parametrize('absent', [False, True], ids=['complete', 'absent'])
def test_losses_and_gradients(device, absent, rate, layout):
    model = make_segmentor(exchange_dropout=rate)
    expected = losses_and_gradients(model, torch.device('cpu'), absent)
    found = losses_and_gradients(model.to(memory_format=layout), device, absent)
    for mine, its in zip(found, expected, strict=True):
        torch.testing.assert_close(mine, its, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize('layout', LAYOUTS, ids=str)
@pytest.mark.parametrize('windows', [False, True], ids=['whole', 'windows'])
@torch.no_grad()
def test_predictions(device, windows, layout):
    test_cfg = dict(mode='slide', crop_size=(32, 32), stride=(16, 16)) if windows else {}
    model = make_segmentor(**test_cfg).eval()
    expected = model.test_step(make_batch(absent=True))
    model.to(device, memory_format=layout)
    for mine, its in zip(model.test_step(make_batch(absent=True)), expected, strict=True):
        assert set(mine.keys()) == set(its.keys())
        for key in mine.keys():
            if key.startswith('seg_logits'):
                assert mine.get(key).data.device.type == device.type
                found = mine.get(key).data.cpu()
                torch.testing.assert_close(found, its.get(key).data, rtol=1e-3, atol=1e-4)


def test_wrong_labels_are_named(device):
    """And not by an assertion in a kernel, after which the GPU is of no use."""
    model = make_segmentor().to(device).train()
    batch = make_batch()
    batch['data_samples'][1].gt_sem_seg.data[0, 5, 5] = 9
    with pytest.raises(ValueError, match=r'1.png: expected labels from 0 to 3.*got \[9\]'):
        model.train_step(batch, make_optimizer(model))


@pytest.mark.parametrize('absent', [False, True], ids=['complete', 'absent'])
def test_float16_agrees_with_float32(device, absent):
    """With frozen norms, as statistics of a few values magnify the rounding."""
    model = make_segmentor().to(device)
    for module in model.modules():
        module.train(not isinstance(module, nn.BatchNorm2d))
    losses, gradients = [], []
    for is_half in (False, True):
        data = model.data_preprocessor(make_batch(absent), True)
        with torch.autocast(device.type, dtype=torch.float16, enabled=is_half):
            loss, _ = model.parse_losses(model(**data, mode='loss'))
        (1024 * loss).backward()  # as GradScaler does
        losses.append(loss.item())
        gradients.append(nn.utils.parameters_to_vector(p.grad for p in model.parameters()))
        model.zero_grad()
    assert losses[0] != losses[1] == pytest.approx(losses[0], rel=2e-2)
    assert torch.cosine_similarity(*gradients, dim=0) > 0.98


def test_scaled_float16_trains(device):
    model = make_segmentor(exchange_dropout=0.5).to(device).train()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    scaler, losses = torch.amp.GradScaler(device.type), []
    for _ in range(12):
        data = model.data_preprocessor(make_batch(absent=True), True)
        with torch.autocast(device.type, dtype=torch.float16):
            loss, _ = model.parse_losses(model(**data, mode='loss'))
        optimizer.zero_grad()
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()
        losses.append(loss.item())
    assert losses[-1] < losses[0] and all(p.isfinite().all() for p in model.parameters())


def test_compiled_agrees_with_eager(device):
    net = make_segmentor().backbone.to(device).eval()
    x = torch.randn(2, 6, 33, 33, device=device)
    with torch.no_grad():
        expected = net(x)
        # on a CPU, inductor would compile C++ for minutes
        backend = 'aot_eager' if device.type == 'cpu' else 'inductor'
        found = torch.compile(net, fullgraph=True, backend=backend)(x)
    for mine, its in zip(found, expected, strict=True):
        torch.testing.assert_close(mine, its, rtol=1e-3, atol=1e-4)


def test_distributed_on_one_device(device, tmp_path):
    """DDP in a single process computes what the model does, with synchronized norms on a GPU."""
    model, backend, ids = make_segmentor(), 'gloo', None
    if device.type == 'cuda':  # torch has no synchronized batch norm for a CPU
        model, backend = nn.SyncBatchNorm.convert_sync_batchnorm(model), 'nccl'
        ids = [torch.cuda.current_device()]
    model.to(device).train()
    alone = copy.deepcopy(model)
    rendezvous = f'file://{tmp_path}/rendezvous'
    dist.init_process_group(backend, init_method=rendezvous, rank=0, world_size=1)
    try:
        wrapped = MMDistributedDataParallel(module=model, device_ids=ids)
        optimizer = make_optimizer(model)
        losses = [wrapped.train_step(make_batch(), optimizer)['loss'] for _ in range(2)]
    finally:
        dist.destroy_process_group()
    optimizer = make_optimizer(alone)
    expected = [alone.train_step(make_batch(), optimizer)['loss'] for _ in range(2)]
    torch.testing.assert_close(torch.stack(losses), torch.stack(expected), rtol=1e-4, atol=1e-6)


def test_continues_exactly_on_the_same_device(device, tmp_path):
    """Three steps, or one, a checkpoint and two. Sums of a GPU may differ in the last bits."""
    states = []
    for stops_at in (None, 1):
        model = make_segmentor(exchange_dropout=0.5).to(device).train()
        optimizer = make_optimizer(model)
        torch.manual_seed(5)
        for step in range(3):
            if step == stops_at:
                path = tmp_path / 'checkpoint.pth'
                random = torch.get_rng_state()
                torch.save([model.state_dict(), optimizer.state_dict(), random], path)
                model = make_segmentor(exchange_dropout=0.5).to(device).train()
                optimizer = make_optimizer(model)
                weights, moments, random = torch.load(path, map_location='cpu')
                model.load_state_dict(weights)
                optimizer.load_state_dict(moments)
                torch.set_rng_state(random)
            model.train_step(make_batch(absent=True), optimizer)
        states.append({key: value.cpu() for key, value in model.state_dict().items()})
    for key, value in states[0].items():
        torch.testing.assert_close(states[1][key], value, rtol=1e-5, atol=1e-7, msg=key)


def test_translation(device):
    found = []
    for place in (torch.device('cpu'), device):
        model = make_translator().to(place).train()
        torch.manual_seed(1)
        logged = model.train_step(make_translation_batch(), make_optimizer(model))
        with torch.no_grad():
            samples = model.eval().test_step(make_translation_batch())
        images = torch.stack([sample.fake_img.data for sample in samples])
        assert images.device.type == 'cpu'
        found.append((torch.stack([value.detach().cpu() for value in logged.values()]), images))
    (losses, images), (its, its_images) = found
    torch.testing.assert_close(its, losses, rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(its_images, images, rtol=1e-2, atol=0.5)  # of 0..255
