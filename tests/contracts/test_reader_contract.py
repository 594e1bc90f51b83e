"""What every reader promises, checked on the neutral one, a ranking and a judging model."""

import functools
import math

import pytest
from tiny_readers import NLI, RANKER, save_reader

from ragqa.readers import NEUTRAL, reader_for

QUESTION = "when do figs ripen?"
TEXTS = [
    "Fruit > Figs\nThey are red.",
    "東京 \ud800 🙂. It is a\tcity.",
    "",
    "the fig and the pear " * 300,
]
KINDS = {"ranking": RANKER, "judging": NLI}


@pytest.fixture(scope="session")
def loaded(own_home, tmp_path_factory):
    """Make each reader once, on first use."""

    def load(name):
        if name == NEUTRAL:
            return reader_for(NEUTRAL)
        folder = str(save_reader(tmp_path_factory.mktemp(name) / "model", KINDS[name]))
        return reader_for(folder)

    return functools.cache(load)


@pytest.fixture(params=[NEUTRAL, *KINDS])
def reader(request, loaded):
    return loaded(request.param)


def test_a_reader_has_a_name_and_scores_texts_or_judges_them_or_neither(reader):
    scores, likely = reader.score(QUESTION, TEXTS), reader.contradicts("Figs are red.", TEXTS)
    found = {NEUTRAL: (0, 0)}.get(reader.name, (len(TEXTS), 0) if scores else (0, len(TEXTS)))
    assert (len(scores), len(likely)) == found
    assert all(map(math.isfinite, scores))
    assert all(0 <= one <= 1 for one in likely)


def test_no_texts_have_no_figures(reader):
    assert reader.score(QUESTION, []) == reader.contradicts(QUESTION, []) == []


def test_the_figures_of_a_text_do_not_depend_on_what_is_read_beside_it(reader):
    for read in (reader.score, reader.contradicts):
        together = read(QUESTION, TEXTS)
        alone = [one for text in TEXTS for one in read(QUESTION, [text])]
        assert together == pytest.approx(alone, abs=1e-5)
        assert read(QUESTION, TEXTS) == together
