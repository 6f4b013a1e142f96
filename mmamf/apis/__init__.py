from .translation import init_translator, translate

__all__ = ['init_translator', 'translate']
