"""The stages of the paper's schedule in a training by epochs that is resumed in the middle."""

import json

import torch

STAGES = dict(type='StagedLR', stage_lrs=[3e-2, 1.5e-2, 7e-3], milestones=[1, 3])
ENCODER = [5e-3, 2.5e-3, 1e-3]
STAGE = [0] * 4 + [1] * 8 + [2] * 4  # of each iteration: 4 epochs of 4


def test_stages_survive_a_resumption_in_the_middle_of_an_epoch(tmp_path, tiny_config, run_tool):
    config = tiny_config(
        'epoch',
        param_scheduler=[STAGES],
        optim_wrapper=dict(
            optimizer=dict(_delete_=True, type='SGD', lr=1.0, momentum=0.9),
            paramwise_cfg=dict(custom_keys=dict(backbone=dict(stage_lrs=ENCODER))),
        ),
        default_hooks=dict(
            checkpoint=dict(by_epoch=False, interval=6, max_keep_ckpts=9), logger=dict(interval=1)
        ),
    )
    whole, resumed = tmp_path / 'whole', tmp_path / 'resumed'
    assert run_tool('train.py', config, '--work-dir', str(whole)) == 0
    checkpoint = whole / 'iter_6.pth'
    arguments = ('--work-dir', str(resumed), '--resume', str(checkpoint))
    assert run_tool('train.py', config, *arguments) == 0

    for folder, done in ((whole, 0), (resumed, 6)):
        (scalars,) = folder.glob('*/vis_data/scalars.json')
        lines = [json.loads(line) for line in scalars.read_text().splitlines()]
        logged = [(line['lr'], line['base_lr']) for line in lines if 'lr' in line]
        assert logged == [(ENCODER[s], STAGES['stage_lrs'][s]) for s in STAGE[done:]]
    states = [torch.load(folder / 'iter_12.pth')['state_dict'] for folder in (whole, resumed)]
    for name, value in states[0].items():
        assert torch.equal(states[1][name], value), name
