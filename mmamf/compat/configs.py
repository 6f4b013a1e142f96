"""Config files: inheritance from mmamf, errors that help, and a text that is formatted once."""

from collections.abc import Callable
from typing import Any

from .wrap import wrap


def name_mmamf_to_mmengine() -> None:
    """Let configs inherit `mmamf::...`, as they inherit `mmseg::...`.

    mmengine/config/utils.py:17 (MODULE2PACKAGE) lists the packages with configs; mmengine refuses
    all others. The entry names a module inside the package, because the folder of the package
    itself is not found after an editable installation. mmengine/config/config.py:1259
    (_get_cfg_path) also takes the package for the scope of its registries. mmamf has none of its
    own: its parts are in those of mmseg and mmagic.
    """
    from mmengine.config import Config
    from mmengine.config.utils import MODULE2PACKAGE

    MODULE2PACKAGE.setdefault('mmamf', 'mmamf.version')
    wrap(Config, '_get_cfg_path', _without_own_scope)


def _without_own_scope(original: Callable, *args: Any) -> tuple[str, str | None]:
    path, scope = original(*args)
    return path, None if scope == 'mmamf' else scope


def format_configs_once() -> None:
    """Format the text of a config once instead of for every checkpoint.

    mmengine/runner/runner.py:2215 writes the text into each checkpoint. yapf formats it
    (mmengine/config/config.py:1484), which takes seconds if the config has long paths.
    """
    from mmengine.config import config

    formatted: dict[str, Any] = {}

    def format_once(format_code: Callable, text: str, **kwargs: Any) -> Any:
        if text not in formatted:
            formatted[text] = format_code(text, **kwargs)
        return formatted[text]

    wrap(config, 'FormatCode', format_once)


def explain_duplicate_keys() -> None:
    """Name the file whose bases have the same key, and suggest a solution.

    mmengine/config/config.py:899 names only the key. All of mmseg's schedules have `default_hooks`,
    and so does our `default_runtime.py`.
    """
    from mmengine.config import Config

    def read_and_explain(read: Callable, filename: str, *args: Any, **kwargs: Any) -> Any:
        try:
            return read(filename, *args, **kwargs)
        except KeyError as error:
            if 'Duplicate key' not in str(error):
                raise
            hint = (
                "; with mmseg's schedules take 'mmseg::_base_/default_runtime.py', and for exact "
                "resume write default_hooks = dict(checkpoint=dict(type='AtomicCheckpointHook'), "
                "exact_resume=dict(type='ExactResumeHook')) below the bases"
            )
            raise ValueError(
                f'{filename}: two of its bases have the same key, and mmengine merges only a file '
                f'with its bases: {error.args[0]}{hint if "default_hooks" in str(error) else ""}'
            ) from error

    wrap(Config, '_file2dict', read_and_explain)
