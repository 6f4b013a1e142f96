"""Plans a training: from a folder to a config, its explanation, and a report."""

import argparse
import os
import sys
import textwrap
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from mmamf.own_files import own_file

from .choice import Choice
from .counted import counted
from .findings import find_problems
from .findings.finding import LEVELS, Finding
from .fixes.fix_data import fix_data
from .machine import find_machine
from .make_plan import make_plan
from .prints.fingerprint import Fingerprint
from .samples.find_data import find_data
from .samples.found_data import CACHE, FoundData
from .samples.leave_out import leave_out_unusable
from .samples.split_data import split_data, write_tables
from .tell_choice import tell_choice
from .write_config import write_config
from .write_report import write_report

SHOWN = 5  # files that the console names for one finding


def plan_data(args: argparse.Namespace) -> None:
    """Look at the data, and write config, sample tables and report.

    Args:
        args: The parsed command line of `tools/plan.py`.
    """
    try:
        config, findings = _plan(args)
    except (OSError, ValueError) as error:
        raise SystemExit(f'error: {error}') from error
    train = str(own_file('tools/train.py'))
    errors = [finding for finding in findings if finding.level == 'error']
    if not args.train:
        codes = ', '.join(finding.code for finding in errors)
        print(f'\nto be mended first: {codes}' if errors else '')
        print(f'to train: python {_short(Path(train))} {_short(config)}')
        return
    if errors:
        told = ' '.join(finding.what for finding in errors)
        raise SystemExit(f'error: --train: these must be mended first: {told}')
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, train, str(config)])


def _plan(args: argparse.Namespace) -> tuple[Path, list[Finding]]:
    args.out.mkdir(parents=True, exist_ok=True)
    modalities = dict(text.split('=', 1) for text in args.modality)
    classes = args.classes
    if classes and len(classes) == 1 and Path(classes[0]).is_file():
        classes = Path(classes[0])
    data = find_data(args.data, modalities or None, args.labels, classes, args.split)
    data = split_data(data, args.share, args.seed)
    print(describe(data))
    fingerprint = Fingerprint(data, args.out / CACHE, args.workers)
    findings = find_problems(data, fingerprint)
    print(list_findings(findings))
    if args.fix:
        data = fix_data(data, fingerprint, args.fix)
        print(f'\n{args.fix} has the fixed copy. What is left:')
        fingerprint = Fingerprint(data, args.out / 'fingerprint_fixed.sqlite', args.workers)
        findings = find_problems(data, fingerprint)
        print(list_findings(findings))
    data, left_out = leave_out_unusable(data, fingerprint)
    try:
        plan = make_plan(data, fingerprint, find_machine(), args.minutes)
    except ValueError:
        report = write_report(data, fingerprint, findings, None, args.out)
        print(f'report: {_short(report)}')
        raise
    write_tables(data, args.out)
    config = write_config(data, plan, args.out, args.name)
    print(list_choices(plan.choices))
    report = write_report(data, fingerprint, findings, plan, args.out)
    for name, reason in [*left_out.items()][:SHOWN]:
        print(f'left out: {name}: {reason}')
    if len(left_out) > SHOWN:
        print(f'left out: {len(left_out) - SHOWN} more')
    print(f'config: {_short(config)}\nreport: {_short(report)}')
    return config, findings


def describe(data: FoundData) -> str:
    """Say in one line what was found."""
    files = ', '.join(f'{column} ({data.count(column)})' for column in data.columns)
    sides = Counter(sample.split for sample in data.samples)
    split = ', '.join(f'{count} {side}' for side, count in sides.items())
    between = f'; {counted(len(data.between), "more sample")} on no side' if data.between else ''
    unused = f'; {counted(len(data.unused), "file")} not used' if data.unused else ''
    return f'{data.root}: {counted(len(data.samples), "sample")}: {files}; {split}{between}{unused}'


def list_findings(findings: Sequence[Finding]) -> str:
    """Write the findings as text, the worst first."""
    lines = []
    for finding in sorted(findings, key=lambda finding: LEVELS.index(finding.level)):
        lines.append(f'{finding.level}: {finding.what} [{finding.code}]')
        if finding.files:
            more = f' and {finding.count - SHOWN} more' if finding.count > SHOWN else ''
            lines.append(f'    {", ".join(finding.files[:SHOWN])}{more}')
        lines += _indent(f'{finding.why} {finding.remedy}')
    return '\n'.join(lines)


def list_choices(plan: Mapping[str, Choice]) -> str:
    """Write the choices as text."""
    lines = ['']
    for name, choice in plan.items():
        lines += _indent(f'{name}: {tell_choice(name, choice)}', '  ')
    return '\n'.join(lines)


def _indent(text: str, indent: str = '    ') -> list[str]:
    return textwrap.wrap(text, 100, initial_indent=indent, subsequent_indent=f'{indent}  ')


def _short(path: Path) -> str:
    path = path.resolve()
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)
