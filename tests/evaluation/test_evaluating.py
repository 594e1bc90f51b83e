"""What is kept of a public set; `cli/transcripts/eval-sets.txt` has what is measured of one."""

import json

from hashed import HashedEmbedder

from ragqa.config import load_settings
from ragqa.evaluation.evaluating import evaluate_beir
from ragqa.evaluation.sets import read_beir

TEXTS = {
    "fig": "Figs ripen in August in most gardens.",
    "kiwi": "The kiwi is a berry from China.",
}


def rows(texts):
    return "".join(json.dumps({"_id": id_, "text": texts[id_]}) + "\n" for id_ in texts)


def test_a_set_that_was_measured_before_embeds_only_what_is_new(tmp_path, monkeypatch):
    embedded = []
    embed = HashedEmbedder.embed_passages

    def watched(self, texts, **kwargs):
        embedded.extend(texts)
        return embed(self, texts, **kwargs)

    monkeypatch.setattr(HashedEmbedder, "embed_passages", watched)
    (tmp_path / "qrels").mkdir()
    (tmp_path / "qrels" / "test.tsv").write_text("q\tfig\t1\n")
    (tmp_path / "queries.jsonl").write_text(rows({"q": "when do figs ripen"}))

    def evaluate(texts):
        embedded.clear()
        (tmp_path / "corpus.jsonl").write_text(rows(texts))
        settings = load_settings({"embedder": "hashed:64"}).settings
        return evaluate_beir(read_beir(tmp_path), settings, answers=False, progress=print)

    first = evaluate(TEXTS)
    assert len(embedded) == 2
    assert evaluate(TEXTS) == first
    assert embedded == []
    evaluate(TEXTS | {"new": "Quinces are hard."})
    assert len(embedded) == 1
    assert "Quinces are hard." in embedded[0]
