"""An index that ragqa 0.1 made is still of use."""

import shutil
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from indexing.building import source_with
from support import run_ragqa, write_notes

from ragqa.embedders.hashed import HashedEmbedder
from ragqa.errors import IndexUnusable, OlderFormat
from ragqa.indexing import refresh
from ragqa.stores import open_store
from ragqa.stores.disk import stepping
from ragqa.stores.local.lock import locked
from ragqa.types import no_progress

MADE_BEFORE = Path(__file__).parents[1] / "inputs" / "version-0.1"
QUESTION = "what is the API rate limit?"
SAID = (
    "This index was made by an older ragqa: bringing it up to date. This happens once; the old "
    "index is kept until it is done.\n"
)


@pytest.fixture
def place(tmp_path):
    """A folder with all that was made before."""
    folder = tmp_path / "place"
    shutil.copytree(MADE_BEFORE, folder)
    return folder


def run(place, *args):
    return run_ragqa(*args, cwd=place, env={"XDG_CONFIG_HOME": str(place / "config")})


def replaced(file):
    """What is said of a settings file with `sentences` and `embedder_scripts`."""
    why = {
        "embedder_scripts": "what the embedder can read is measured",
        "sentences": "excerpts and excerpt_words took its place",
    }
    return "".join(
        f"warning: {file} has the setting {name}, which is gone and ignored: {reason}; "
        "remove the line\n"
        for name, reason in why.items()
    )


def current(place):
    return (place / "index" / "CURRENT").read_text().strip()


def passages_of(place):
    with closing(open_store(place / "index").snapshot()) as snapshot:
        return [passage for _, passages in snapshot.by_note() for passage in passages]


def damage_vectors(place):
    vectors = place / "index" / "gen-000001" / "vectors.faiss"
    damaged = bytearray(vectors.read_bytes())
    damaged[-5] ^= 1
    vectors.write_bytes(damaged)


def failing_at(step):
    def fail(name):
        if name == step:
            raise KeyboardInterrupt

    return stepping(fail)


def upgrade(place, *, dimension=64):
    """Refresh, and give how many texts were embedded for it, canaries included."""
    embedder = HashedEmbedder(dimension)
    refresh(open_store(place / "index"), source_with(place, embedder))
    return embedder.embedded


CANARIES = 3  # one to compare with the older index, one of each form for the new one


def test_a_question_brings_an_older_index_up_to_date_and_says_so_once(place):
    first, second = run(place, "ask", QUESTION), run(place, "ask", QUESTION)
    assert (first.code, second.code) == (0, 0)
    assert "100 requests" in first.out
    warned = replaced(place / "ragqa.toml")
    assert first.err == warned + SAID
    assert second.err == warned
    assert current(place) != "gen-000001"


@pytest.mark.parametrize(
    "args",
    [
        ["index"],
        ["search", "gateway"],
        ["why", QUESTION, "--target", "gateway.md"],
        ["eval", "--questions", "questions.jsonl", "--half", "all"],
    ],
    ids=lambda args: args[0],
)
def test_other_commands_do_so_too(place, args):
    done = run(place, *args, "--json")
    assert (done.code, done.err) == (0, replaced(place / "ragqa.toml") + SAID)
    assert current(place) != "gen-000001"


def test_passages_that_are_the_same_keep_their_embeddings(place):
    embeddings = open_store(place / "index").older().embeddings(no_progress)
    embedded = upgrade(place)
    ids = [passage.id for passage in passages_of(place)]
    kept = embeddings(ids)
    assert len(kept) >= 2
    assert embedded == len(ids) - len(kept) + CANARIES


def test_embeddings_of_another_embedder_are_not_taken_over(place):
    embedded = upgrade(place, dimension=32)
    assert embedded >= len(passages_of(place))


def test_damaged_embeddings_are_not_taken_over(place):
    damage_vectors(place)
    assert upgrade(place) >= len(passages_of(place))


def test_a_format_too_old_to_be_read_is_built_from_the_notes_alone(place):
    manifest = place / "index" / "gen-000001" / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"format": 2', '"format": 1'))
    assert upgrade(place) >= len(passages_of(place))
    assert current(place) != "gen-000001"


def test_an_older_index_of_other_notes_is_left_alone(place, tmp_path):
    other = write_notes(tmp_path / "other", {"a.md": "# Other\n\nOther notes altogether.\n"})
    done = run(place, "ask", "what is other?", "--corpus", other, "--index", "index")
    assert done.code == 4
    assert f"not from {other}" in done.err
    assert "bringing it up to date" not in done.err
    assert current(place) == "gen-000001"


def test_without_refreshing_an_older_index_is_named_with_the_command_that_mends_it(place):
    done = run(place, "ask", QUESTION, "--no-refresh")
    assert done.code == 4
    assert "was made by an older ragqa" in done.err
    assert "ragqa index" in done.err
    assert current(place) == "gen-000001"


def test_while_another_process_brings_it_up_to_date_one_line_says_why_there_is_no_answer(place):
    with locked(place / "index", wait=False):
        done = run(place, "ask", QUESTION)
    assert done.code == 6
    assert done.err.splitlines() == [
        *replaced(place / "ragqa.toml").splitlines(),
        SAID.strip(),
        f"error: another process is writing the index in {place / 'index'}",
        "try: wait until it is done, or: ragqa index --wait",
    ]


@pytest.mark.parametrize("step", ["add a note", "write vectors.faiss", "replace CURRENT"])
def test_an_upgrade_that_fails_leaves_the_older_index_and_the_next_one_ends_it(place, step):
    with failing_at(step), pytest.raises(KeyboardInterrupt):
        upgrade(place)
    assert current(place) == "gen-000001"
    assert open_store(place / "index").older() is not None
    upgrade(place)
    assert current(place) != "gen-000001"
    names = {note.name for note in (place / "notes").iterdir()}
    assert {passage.path for passage in passages_of(place)} == names


def test_what_an_interrupted_upgrade_embedded_is_not_embedded_again(place):
    damage_vectors(place)
    with failing_at("replace CURRENT"), pytest.raises(KeyboardInterrupt):
        upgrade(place)
    assert upgrade(place) == CANARIES


@pytest.fixture
def in_milvus(place, monkeypatch):
    """An index in Milvus of an older format that a team shares, and what it was made from."""
    store = open_store(place / "milvus", kind="milvus", name="team")
    source = replace(source_with(place, HashedEmbedder(64)), shared_name="team")
    with monkeypatch.context() as before:
        before.setattr("ragqa.stores.milvus.records.FORMAT", 1)
        refresh(store, source)
    return store, source


@pytest.mark.integration
def test_an_index_in_milvus_is_brought_up_to_date_with_its_embeddings(in_milvus):
    store, source = in_milvus
    embedder = source.embedders.building
    before = embedder.embedded
    with failing_at("put notes"), pytest.raises(KeyboardInterrupt):
        refresh(store, source)
    with pytest.raises(OlderFormat, match="made by an older ragqa, in format 1"):
        store.snapshot()
    report = refresh(store, source)
    assert embedder.embedded - before == 2 * CANARIES
    with closing(store.snapshot()) as snapshot:
        assert snapshot.info == report.info
        assert len(snapshot.notes()) == 4
    assert store.problems() == []


@pytest.mark.integration
def test_an_older_index_that_a_team_shares_is_not_emptied_by_a_folder_of_few_notes(in_milvus):
    store, source = in_milvus
    for name in ("gateway.md", "contacts.md", "mailer.txt"):
        source.corpus.file(name).unlink()
    with pytest.raises(IndexUnusable, match="3 of the 4 notes"):
        refresh(store, source)
    assert store.older() is not None
