"""Whole evaluations of small sets, with the embedder that needs no model."""

import json

import pytest

from ragqa.config import load_settings
from ragqa.embedders.hashed import HashedEmbedder
from ragqa.errors import UsageError
from ragqa.evaluation.evaluating import evaluate_beir
from ragqa.evaluation.measures import MEASURES
from ragqa.evaluation.sets import read_beir

DOCUMENTS = {
    "fig": ("Figs", "A fig is the fruit of the fig tree. Figs ripen in August in most gardens."),
    "kiwi": ("", "The kiwi is a berry from China. It was named after the bird in 1959."),
    "plum": ("Plums", "Plums are stone fruit. A dried plum is called a prune."),
    "void": ("", ""),
}
QUERIES = {
    "q1": ("when do figs ripen", {"fig": 2}, ["August"]),
    "q2": ("what is a dried plum called", {"plum": 1}, ["prune", "a prune"]),
    "q3": ("kiwi berry named after which bird", {"kiwi": 1, "gone": 1}, ["1959"]),
    "q4": ("how do I tune a piano", {}, []),
}


def settings():
    return load_settings({"embedder": "hashed:64"}).settings


def silent(stage, done, total):
    pass


@pytest.fixture
def fruit(tmp_path):
    """A BEIR folder with answers."""
    folder = tmp_path / "fruit"
    (folder / "qrels").mkdir(parents=True)
    rows = [{"_id": id_, "title": t, "text": x} for id_, (t, x) in DOCUMENTS.items()]
    _write(folder / "corpus.jsonl", rows)
    _write(folder / "queries.jsonl", [{"_id": q, "text": t} for q, (t, _, _) in QUERIES.items()])
    judged = [f"{q}\t{d}\t{g}\n" for q, (_, rel, _) in QUERIES.items() for d, g in rel.items()]
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\n" + "".join(judged))
    answers = [
        {"_id": q, "question": t, "answers": a, "answerable": bool(a)}
        for q, (t, _, a) in QUERIES.items()
    ]
    _write(folder / "answers.jsonl", answers)
    return folder


def _write(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def test_a_beir_folder_gives_every_measure_for_every_method(fruit):
    document = evaluate_beir(read_beir(fruit), settings(), answers=False, progress=silent)
    assert (document["dataset"], document["queries"]) == ("fruit", 3)
    assert set(document["methods"]) == {"hybrid", "dense", "terms"}
    for measures in document["methods"].values():
        assert list(measures) == list(MEASURES)
    assert document["methods"]["terms"]["recall@1"] == pytest.approx((1 + 1 + 0.5) / 3, abs=1e-3)
    assert "shown@1" not in document
    assert not document["partial"]


def test_what_is_wrong_with_a_set_is_said_and_counts_as_not_found(fruit):
    document = evaluate_beir(read_beir(fruit), settings(), answers=False, progress=silent)
    said = "\n".join(document["warnings"])
    assert "documents without a passage: 1" in said
    assert "missing judged documents, counted as not found: 1 (gone for q3)" in said
    assert "queries without a relevant document, not asked: 1 (q4)" in said
    (third,) = (row for row in document["questions"] if row["id"] == "q3")
    assert third["hybrid"]["recall@100"] == 0.5
    assert sorted(third["ranks"]["terms"], key=str) == [1, None]


def test_a_set_without_a_question_to_score_is_refused(fruit):
    (fruit / "queries.jsonl").write_text("")
    with pytest.raises(UsageError, match="no question in"):
        evaluate_beir(read_beir(fruit), settings(), answers=False, progress=silent)


def test_the_answer_of_the_set_is_looked_for_in_the_words_that_a_reader_is_shown(fruit):
    document = evaluate_beir(
        read_beir(fruit, answers=True), settings(), answers=True, progress=silent
    )
    assert (document["mode"], document["queries"], "sure" in document) == ("qa", 3, True)
    assert document["shown@1"] <= document["shown@3"]
    assert 0 < document["words@1"] <= document["words@3"]
    assert document["abstention"]["answerable"]["questions"] == 3
    assert [row["id"] for row in document["questions"] if not row["answerable"]] == ["q4"]
    for row in document["questions"]:
        assert ("shown@1" in row) == row["answerable"]
        if row["answerable"]:
            gold = QUERIES[row["id"]][2][0]
            quotes = [each["quote"] for each in row["cited"]]
            assert row["shown@1"] == any(gold in quote for quote in quotes)
            quotes += [each["quote"] for each in row["also"]]
            assert row["shown@3"] == any(gold in quote for quote in quotes)
            if row["answered"]:
                assert row["words@3"] == sum(len(quote.split()) for quote in quotes)


def test_a_limit_marks_the_evaluation_as_partial(fruit):
    document = evaluate_beir(read_beir(fruit), settings(), answers=False, limit=2, progress=silent)
    assert document["partial"]
    assert document["queries"] == 2


def test_a_set_that_was_measured_before_embeds_only_what_is_new(fruit, monkeypatch):
    embedded = []
    embed = HashedEmbedder.embed_passages

    def watched(self, texts, **kwargs):
        embedded.extend(texts)
        return embed(self, texts, **kwargs)

    monkeypatch.setattr(HashedEmbedder, "embed_passages", watched)

    def evaluate():
        embedded.clear()
        return evaluate_beir(read_beir(fruit), settings(), answers=False, progress=silent)

    first = evaluate()
    assert len(embedded) == 3
    assert evaluate() == first
    assert embedded == []
    with (fruit / "corpus.jsonl").open("a", encoding="utf-8") as rows:
        rows.write(json.dumps({"_id": "new", "title": "", "text": "Quinces are hard."}) + "\n")
    evaluate()
    assert len(embedded) == 1
    assert "Quinces are hard." in embedded[0]
