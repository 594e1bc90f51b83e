"""Check the citations of a saved answer against the current notes.

`saved` writes and reads saved answers, `locating` finds a quote in a text, `current_notes` says
what a note says there now, `similarity` finds what a quote was changed into, and `checking` puts
these together. No index is needed: it reads the notes that `ragqa index` would read.
"""
