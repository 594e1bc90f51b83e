"""The Python interface, which the command line also uses: an index over a folder of notes."""

from ragqa.api.index import MIN_POOL, Index, ShowProgress

__all__ = ["MIN_POOL", "Index", "ShowProgress"]
