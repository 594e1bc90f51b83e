"""Check the citations of a saved answer against the current notes.

`saved` writes and reads saved answers, `locating` finds a quote in a text, `current_notes` says
what the note says there now, `similarity` finds what a quote was changed into, and `renamed` does
the same in all other notes. No index is needed: it reads the notes that `ragqa index` would read.
"""

from ragqa.verifying.checking import verify
from ragqa.verifying.saved import defused, read_saved, record_of
from ragqa.verifying.similarity import Piece, differences

__all__ = ["Piece", "defused", "differences", "read_saved", "record_of", "verify"]
