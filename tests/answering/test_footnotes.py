"""Which units of a note belong together by their footnotes."""

from excerpting import layout_of

NOTE = (
    "It is hot.[^a] It is dry.[^b]\n\nNobody knows.[^nowhere]\n\n"
    "It is [^b] [^a] [^b] both.\n\n    [^a]\n\n"
    "[^a]: Measured twice. By day.\n[^b]: Says Ann.\n\nThe end.\n"
)


def joined(begins, note=NOTE):
    layout = layout_of(note)
    piece = layout.at(note.index(begins))
    return [layout.quote(run) for run in layout.footnotes(piece)]


def test_a_mark_leads_to_all_sentences_of_its_footnote():
    assert joined("It is hot.[^a]") == ["[^a]: Measured twice. By day."]
    assert joined("It is [^b]") == ["[^b]: Says Ann.", "[^a]: Measured twice. By day."]


def test_a_footnote_leads_to_the_sentence_that_has_its_mark():
    assert joined("[^b]: Says Ann.") == ["It is dry.[^b]"]


def test_code_and_marks_without_a_footnote_lead_nowhere():
    assert joined("Nobody knows.[^nowhere]") == []
    assert joined("    [^a]") == []
    assert joined("[^a]: Alone.", "[^a]: Alone.\n") == []
