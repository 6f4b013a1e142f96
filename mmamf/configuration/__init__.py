"""Changes to a whole config that would otherwise be made by hand in several places."""

from .select_modalities import select_modalities
from .set_length import set_length

__all__ = ['select_modalities', 'set_length']
