"""What every reader promises, checked on the neutral one, a ranking and a judging model."""

import functools
import math

import pytest
from tiny_readers import NLI, RANKER, save_reader

from ragqa.readers import NEUTRAL, Text, reader_for

QUESTION = "when do figs ripen?"
TEXTS = [
    Text("Fruit > Figs", "They are red. They ripen in August.", ((0, 13), (14, 35))),
    Text("", "東京 \ud800 🙂. It is a\tcity.", ((0, 7), (8, 20), (0, 20))),
    Text("A note", "", ()),
    Text("Long", "the fig and the pear " * 300, ((0, 6300),)),
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


def test_a_reader_has_a_name_and_says_what_it_can_do(reader):
    assert reader.name
    assert (reader.ranks or reader.judges) is not (reader.name == NEUTRAL)


def test_each_sentence_of_each_text_has_a_figure(reader):
    if not reader.ranks:
        return
    scores = reader.score(QUESTION, TEXTS)
    assert [len(each) for each in scores] == [len(text.sentences) for text in TEXTS]
    assert all(math.isfinite(score) for each in scores for score in each)
    assert reader.score(QUESTION, []) == []
    assert reader.score(QUESTION, [TEXTS[2]]) == [[]]


def test_each_text_contradicts_a_statement_with_a_probability(reader):
    if not reader.judges:
        return
    found = reader.contradicts("Figs are red.", TEXTS)
    assert len(found) == len(TEXTS)
    assert all(0 <= likely <= 1 for likely in found)
    assert reader.contradicts("Figs are red.", []) == []


def test_the_figures_of_a_text_do_not_depend_on_what_is_read_beside_it(reader):
    for can, read in ((reader.ranks, reader.score), (reader.judges, reader.contradicts)):
        if can:
            together, alone = read(QUESTION, TEXTS), [read(QUESTION, [text])[0] for text in TEXTS]
            for one, other in zip(together, alone, strict=True):
                assert one == pytest.approx(other, abs=1e-5)
            assert read(QUESTION, TEXTS) == together
