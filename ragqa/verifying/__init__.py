"""Hold the citations of a saved answer against the notes as they are now.

`saved` writes and reads saved answers, `locating` finds a quote in a text, `today` tells what the
note says there, `similarity` what it was changed into and `renamed` the same in all other notes. No
index is needed: only notes are read, the same that `ragqa index` would read.
"""

from ragqa.verifying.checking import verify
from ragqa.verifying.saved import defused, read_saved, record_of
from ragqa.verifying.similarity import Piece, differences

__all__ = ["Piece", "defused", "differences", "read_saved", "record_of", "verify"]
