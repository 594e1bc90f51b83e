"""Check the citations of a saved answer against the current notes.

`saved` writes and reads saved answers, `current_notes` finds a quote in a note and what the note
says there now, `similarity` finds what a quote was changed into, and `checking` puts these
together. No index is needed: it reads the notes that `ragqa index` would read.
"""
