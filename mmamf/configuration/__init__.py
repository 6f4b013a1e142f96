"""Makes changes that concern several places of a config at once."""

from .select_modalities import select_modalities
from .set_length import set_length

__all__ = ['select_modalities', 'set_length']
