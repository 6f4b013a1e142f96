from .convert_official import convert_official, describe_official

__all__ = ['convert_official', 'describe_official']
