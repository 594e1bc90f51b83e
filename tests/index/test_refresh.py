"""Bringing an index up to date: what is read, embedded and kept."""

import os
from dataclasses import replace
from functools import partial

import pytest
from fake_hub import OTHER_REVISION, REVISION
from hashed import HashedEmbedder
from index.building import source_with
from support import INFO
from tongues import TEXTS

from ragqa.embedders import CANARY, embedder_for
from ragqa.errors import EmbedderMismatch, IndexUnusable, NoCorpus
from ragqa.index import Store
from ragqa.index.refresh import refresh
from ragqa.index.source import check_embedder, find_changes
from ragqa.notes import read_text
from ragqa.types import Corpus, Filters, Skipped

OLD = (1_700_000_000, 1_700_000_000)


@pytest.fixture
def embedder():
    return HashedEmbedder(32)


@pytest.fixture
def source(tmp_path, embedder):
    corpus = tmp_path / "notes"
    corpus.mkdir()
    return source_with(tmp_path, embedder)


def write(source, name, text, *, when=OLD):
    path = source.corpus.file(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    os.utime(path, when)


def run(source, **options):
    return refresh(Store(source.index), source, **options)


def paths(source):
    with Store(source.index).snapshot() as snapshot:
        return set(snapshot.notes())


def test_a_year_in_a_name_becomes_its_date_once_another_name_differs_by_it(source):
    def dates():
        with Store(source.index).snapshot() as snapshot:
            return {path: note.date for path, note in snapshot.notes().items()}

    write(source, "Annual Meeting 2019.md", "The rent is 300.\n")
    run(source)
    assert dates() == {"Annual Meeting 2019.md": ""}
    write(source, "Annual Meeting 2020.md", "The rent is 320.\n")
    run(source)
    assert dates() == {
        "Annual Meeting 2019.md": "2019-01-01",
        "Annual Meeting 2020.md": "2020-01-01",
    }


def test_only_new_text_is_embedded(source, embedder):
    write(source, "a.md", "# A\n\nThe first note.\n")
    write(source, "b.md", "# B\n\nThe second note.\n")
    run(source)
    before = embedder.embedded
    write(source, "b.md", "# B\n\nThe second note, changed.\n")
    report = run(source)
    assert (report.added, report.changed, report.removed, report.unchanged) == (0, 1, 0, 1)
    canary = 1
    assert embedder.embedded - before <= 1 + canary


def test_word_pieces_are_counted_for_each_language_of_the_notes(source, embedder):
    write(source, "a.md", f"{TEXTS['en'][1]}\n")
    write(source, "b.md", f"{TEXTS['de'][1]}\n")
    info = run(source).info
    assert info.languages == {code: embedder.pieces([TEXTS[code][1]]) for code in ("en", "de")}
    write(source, "c.md", f"{TEXTS['fr'][1]}\n")
    assert run(source).info.languages == info.languages | {"fr": embedder.pieces([TEXTS["fr"][1]])}


def test_a_note_that_is_renamed_or_touched_keeps_its_embeddings_and_settles(source, embedder):
    write(source, "a.md", "---\ntitle: Kept\n---\n\nThe only text there is.\n")
    run(source)
    before = embedder.embedded
    source.corpus.file("a.md").rename(source.corpus.file("z.md"))
    report = run(source)
    assert (report.added, report.removed) == (1, 1)
    os.utime(source.corpus.file("z.md"), (1_700_000_100, 1_700_000_100))
    report = run(source)
    assert (report.changed, report.unchanged) == (0, 1)
    assert embedder.embedded - before <= 2
    assert run(source).info.generation == report.info.generation
    assert paths(source) == {"z.md"}


def test_a_note_changed_within_the_same_stamp_is_noticed_if_it_was_just_written(source):
    write(source, "a.md", "# A\n\nabcdefgh\n", when=None)
    run(source)
    stamp = source.corpus.file("a.md").stat()
    source.corpus.file("a.md").write_text("# A\n\nABCDEFGH\n", encoding="utf-8")
    os.utime(source.corpus.file("a.md"), ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    assert run(source).changed == 1


def test_passages_are_embedded_and_forgotten_before_all_notes_are_split(source, monkeypatch):
    monkeypatch.setattr("ragqa.index.refresh.CHUNK_PASSAGES", 4)
    for number in range(20):
        write(source, f"{number}.md", f"# N{number}\n\nNote {number}.\n")
    stages = []
    run(source, progress=lambda stage, done, total: stages.append((stage, done, total)))
    assert {stage for stage, _, _ in stages} >= {"reading", "splitting", "embedding", "writing"}
    split = [stages.index(("splitting", number, 20)) for number in (4, 8, 20)]
    embedded = [place for place, said in enumerate(stages) if said[0] == "embedding"]
    assert split[0] < embedded[0] < split[1] < split[2] < embedded[-1]
    done = [stages[place][1] for place in embedded]
    assert done == sorted(done)
    assert stages[embedded[-1]][1] == stages[embedded[-1]][2]


def between_the_readings(act):
    """A progress that acts when the notes were read for their digests and not for their text."""

    def progress(stage, done, total):
        if stage == "reading" and done == total:
            act()

    return progress


def test_what_is_indexed_is_what_is_read_when_it_is_split(source, embedder):
    write(source, "a.md", "# A\n\nThe first note.\n")
    later = (1_700_000_500, 1_700_000_500)
    act = partial(write, source, "a.md", "# A\n\nWritten meanwhile.\n", when=later)
    run(source, progress=between_the_readings(act))
    with Store(source.index).snapshot() as snapshot:
        nearest = snapshot.nearest(embedder.embed_query("note").pooled, 9, Filters())
        texts = [passage.text for passage in snapshot.passages([id_ for id_, _ in nearest])]
    assert [text.endswith("Written meanwhile.") for text in texts] == [True]
    before = embedder.embedded
    assert run(source).changed == 0
    assert embedder.embedded == before


@pytest.mark.parametrize(
    ("info", "says"), [({}, "weights"), ({"info": HashedEmbedder(32).info}, "cosine")]
)
def test_other_weights_are_refused_also_behind_the_same_fingerprint(source, tmp_path, info, says):
    write(source, "a.md", "# A\n\nThe first note.\n")
    run(source)
    write(source, "b.md", "# B\n\nThe second note.\n")
    embedder = HashedEmbedder(32, salt="other")
    vars(embedder).update(info)
    other = source_with(tmp_path, embedder)
    with pytest.raises(EmbedderMismatch, match=says):
        run(other)
    assert run(other, rebuild=True).info.notes == 2


def test_a_corpus_that_vanished_is_an_error_and_the_index_stays(source):
    write(source, "a.md", "# A\n\nThe first note.\n")
    run(source)
    source.corpus.file("a.md").unlink()
    with pytest.raises(NoCorpus):
        run(source)
    assert paths(source) == {"a.md"}


@pytest.fixture
def opened(monkeypatch):
    """The paths of the files that a refresh opens to compare them, as it goes."""
    paths = []

    def read(corpus, path, **options):
        paths.append(path)
        return read_text(corpus, path, **options)

    monkeypatch.setattr("ragqa.index.source.read_text", read)
    return paths


def test_a_file_that_was_left_out_is_not_opened_again_until_it_changes(source, opened):
    write(source, "a.md", "# A\n\nThe first note.\n")
    write(source, "binary.md", "\0" * 1000)
    source.corpus.file("latin.txt").write_bytes(b"caf\xe9\x01")
    os.utime(source.corpus.file("latin.txt"), OLD)
    first = run(source)
    assert [one.path for one in first.skipped] == ["binary.md", "latin.txt"]
    opened.clear()
    write(source, "a.md", "# A\n\nThe first note, changed.\n")
    second = run(source)
    assert opened == ["a.md"]
    assert (second.skipped, second.newly_skipped) == (first.skipped, ())
    later = (OLD[0] + 10, OLD[1] + 10)
    write(source, "binary.md", "# B\n\nIt is a note after all.\n", when=later)
    third = run(source)
    assert (third.added, [one.path for one in third.skipped]) == (1, ["latin.txt"])
    assert paths(source) == {"a.md", "binary.md"}


def test_a_file_that_was_written_just_now_is_compared_again_and_reported_once(source, opened):
    write(source, "a.md", "# A\n\nThe first note.\n")
    source.corpus.file("binary.md").write_bytes(b"\0" * 1000)
    assert len(run(source).newly_skipped) == 1
    opened.clear()
    assert run(source).newly_skipped == ()
    assert opened == ["binary.md"]


def test_notes_below_a_folder_that_cannot_be_read_are_kept_and_reported(source):
    write(source, "a.md", "# A\n\nThe first note.\n")
    write(source, "locked/b.md", "# B\n\nThe second note.\n")
    run(source)
    with Store(source.index).snapshot() as snapshot:
        known = snapshot.states
    walk = source.walk()
    locked = replace(
        walk,
        files=tuple(file for file in walk.files if file.path == "a.md"),
        skipped=(Skipped("locked", "the folder cannot be read: Permission denied"),),
        unreadable_folders=("locked",),
    )
    changes = find_changes(source, locked, None, known, progress=lambda *_: None)
    assert changes.removed == ()
    assert [skip.path for skip in changes.skipped] == ["locked"]
    gone = replace(locked, unreadable_folders=())
    changes = find_changes(source, gone, None, known, progress=lambda *_: None)
    assert changes.removed == ("locked/b.md",)


def test_a_shared_index_is_that_of_a_folder_of_the_same_name_wherever_it_lies(source, tmp_path):
    write(source, "a.md", "# A\n\nThe first note.\n")
    run(replace(source, shared_name="team"))
    elsewhere = tmp_path / "home" / "notes"
    (tmp_path / "home").mkdir()
    source.corpus.folders[0].path.rename(elsewhere)
    report = run(replace(source, corpus=Corpus.of(elsewhere), shared_name="team"))
    assert (report.info.generation, report.unchanged) == (1, 1)
    other = elsewhere.rename(tmp_path / "diary")
    with pytest.raises(IndexUnusable, match=r"index team was .* called notes, not diary"):
        run(replace(source, corpus=Corpus.of(other), shared_name="team"))


@pytest.mark.parametrize("built", [REVISION, ""])
@pytest.mark.parametrize("asked", [REVISION, "", OTHER_REVISION])
def test_only_another_revision_of_the_model_is_refused_and_both_are_named(built, asked):
    embedder = embedder_for("hashed:64", building=False)
    canary = tuple(map(float, embedder.embed_passages([CANARY])[0]))
    info = replace(INFO, canary=canary, embedder=replace(embedder.info, revision=built))
    embedder.info = replace(embedder.info, revision=asked, name="another name")
    if not built or asked != OTHER_REVISION:  # a model in a folder has none
        check_embedder(info, embedder)
        return
    with pytest.raises(EmbedderMismatch, match=f"{REVISION[:12]}.*{asked[:12]}") as refused:
        check_embedder(info, embedder)
    assert "ragqa index --rebuild" in refused.value.hint
