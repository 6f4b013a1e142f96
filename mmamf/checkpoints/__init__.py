from .convert_official import convert_official

__all__ = ['convert_official']
