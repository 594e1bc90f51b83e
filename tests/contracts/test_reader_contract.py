"""What every reader promises, checked on the neutral one and a cross-encoder."""

import math

import pytest
from tiny_readers import save_reader

from ragqa.readers import NEUTRAL, reader_for

QUESTION = "when do figs ripen?"
TEXTS = [
    "Fruit > Figs\nThey are red.",
    "東京 \ud800 🙂. It is a\tcity.",
    "",
    "the fig and the pear " * 300,
]


@pytest.fixture(scope="session", params=[NEUTRAL, "cross-encoder"])
def reader(request, own_home, tmp_path_factory):
    if request.param == NEUTRAL:
        return reader_for(NEUTRAL)
    return reader_for(str(save_reader(tmp_path_factory.mktemp("reader") / "model")))


def test_each_text_has_a_finite_score_or_none_has_one(reader):
    scores = reader.score(QUESTION, TEXTS)
    assert len(scores) == (0 if reader.name == NEUTRAL else len(TEXTS))
    assert all(map(math.isfinite, scores))
    assert reader.score(QUESTION, []) == []


def test_the_score_of_a_text_does_not_depend_on_what_is_read_beside_it(reader):
    together = reader.score(QUESTION, TEXTS)
    alone = [one for text in TEXTS for one in reader.score(QUESTION, [text])]
    assert together == pytest.approx(alone, abs=1e-5)
    assert reader.score(QUESTION, TEXTS) == together
