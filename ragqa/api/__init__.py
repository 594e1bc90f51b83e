"""The Python interface, which the command line also uses: an index over a folder of notes."""

from ragqa.api.index import MIN_POOL, Found, Index

__all__ = ["MIN_POOL", "Found", "Index"]
