from pathlib import Path

import pytest
import torch
from mmseg.apis import init_model

from mmamf.checkpoints import convert_official, describe_official
from mmamf.datasets import NYUDv2Dataset, SUNRGBDDataset

CONFIGS = Path(__file__).parents[2] / 'configs' / 'amf'


@pytest.fixture
def state(official_state):
    """A copy to damage."""
    return dict(official_state)


def test_refuses_missing_and_left_over_entries(state):
    del state['layer2.1.conv2.module.weight']
    del state['alpha']
    state['extra.module.weight'] = torch.zeros(1)
    state['layer1.0.conv9.module.weight'] = torch.zeros(1)
    with pytest.raises(ValueError, match='does not fit, 4 entries') as error:
        convert_official(state)
    for line in (
        'left over: extra.module.weight',
        'left over: backbone.layer1.0.conv9.weight',
        'missing: backbone.layer2.1.conv2.weight',
        'missing: decode_head.alpha',
    ):
        assert line in str(error.value)


def test_refuses_a_norm_with_a_modality_missing(state):
    del state['layer1.0.bn1.bn_1.weight']
    with pytest.raises(ValueError, match=r'layer1\.0\.bn1\.weight: expected \(128,\), got \(64,\)'):
        convert_official(state)


def test_refuses_a_norm_without_its_first_modality(state):
    del state['layer1.0.bn1.bn_0.weight']
    with pytest.raises(ValueError, match=r'missing: backbone\.layer1\.0\.bn1\.weight'):
        convert_official(state)


def test_refuses_a_plain_checkpoint():
    state = {'conv1.weight': torch.zeros(64, 3, 7, 7), 'bn1.weight': torch.zeros(64)}
    with pytest.raises(ValueError, match=r'private norms named bn_0.*init_cfg'):
        convert_official(state)


def test_refuses_another_depth(state):
    state = {key: value for key, value in state.items() if not key.startswith('layer3.5')}
    with pytest.raises(ValueError, match=r'got \(3, 4, 5\) blocks'):
        convert_official(state)


def test_refuses_what_is_no_state_dict():
    with pytest.raises(ValueError, match=r"entries are no tensors: \['epoch'\]"):
        convert_official({'epoch': 3})


@pytest.mark.parametrize(('blocks', 'depth'), [((3, 4, 23), 101), ((3, 8, 36), 152)])
def test_deeper_networks(state, blocks, depth):
    """R101 and R152 repeat the blocks of R50."""
    for stage, count in zip((2, 3), blocks[1:]):
        block = {k: v for k, v in state.items() if k.startswith(f'layer{stage}.1.')}
        for index in range(1, count):
            for key, value in block.items():
                state[key.replace(f'layer{stage}.1.', f'layer{stage}.{index}.')] = value
    converted = convert_official(state)
    assert f'backbone.layer3.{blocks[2] - 1}.bn3.running_var' in converted
    assert converted['backbone.layer3.1.bn3.running_var'].shape == (2048,)


def test_command_line(state, run_tool, tmp_path):
    torch.save({'segmenter': {f'module.{k}': v for k, v in state.items()}}, tmp_path / 'src.pth')
    done = run_tool(tmp_path / 'src.pth', tmp_path / 'new' / 'dst.pth')
    assert done.message is None
    written = torch.load(tmp_path / 'new' / 'dst.pth', weights_only=True)['state_dict']
    assert written.keys() == convert_official(state).keys()


def test_the_stock_init_model_opens_a_converted_checkpoint(state, run_tool, tmp_path):
    torch.save(state, tmp_path / 'src.pth')
    run_tool(tmp_path / 'src.pth', tmp_path / 'dst.pth')
    config = CONFIGS / 'amf_r50_refinenet_1xb6-sgd-3x100e_nyudv2-500x500.py'
    model = init_model(config, str(tmp_path / 'dst.pth'), device='cpu')
    assert model.dataset_meta == NYUDv2Dataset.METAINFO
    assert torch.equal(model.decode_head.alpha, state['alpha'])


@pytest.mark.parametrize(('count', 'dataset'), [(40, NYUDv2Dataset), (37, SUNRGBDDataset)])
def test_the_number_of_classes_tells_the_data_set(count, dataset):
    state = {'decode_head.head.conv_seg.weight': torch.zeros(count, 8, 3, 3)}
    assert describe_official(state) == {'dataset_meta': dataset.METAINFO}


@pytest.mark.parametrize(
    'state',
    [{'decode_head.head.conv_seg.weight': torch.zeros(5, 8, 3, 3)}, {'generator.alpha': None}],
    ids=['another number', 'a translation network'],
)
def test_other_checkpoints_name_no_classes(state):
    assert describe_official(state) == {}


def test_command_line_says_what_is_wrong(run_tool, tmp_path):
    done = run_tool(tmp_path / 'absent.pth', tmp_path / 'dst.pth')
    assert 'no such checkpoint' in done.message
    torch.save({'bn1.weight': torch.zeros(64)}, tmp_path / 'plain.pth')
    done = run_tool(tmp_path / 'plain.pth', tmp_path / 'dst.pth')
    assert 'private norms' in done.message
    assert not (tmp_path / 'dst.pth').exists()
