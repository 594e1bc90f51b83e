"""What ragqa 0.1 made is still of use: its index, settings, saved answers and evaluations."""

import shutil
from contextlib import closing
from pathlib import Path

import pytest
from indexing.building import source_with
from support import run_ragqa

from ragqa.embedders.hashed import HashedEmbedder
from ragqa.indexing import refresh
from ragqa.stores import generations, open_store

MADE_BEFORE = Path(__file__).parents[1] / "inputs" / "version-0.1"
QUESTION = "what is the API rate limit?"


@pytest.fixture
def place(tmp_path):
    """A folder with all that was made before."""
    folder = tmp_path / "place"
    shutil.copytree(MADE_BEFORE, folder)
    return folder


def run(place, *args):
    return run_ragqa(*args, cwd=place, env={"XDG_CONFIG_HOME": str(place / "config")})


def current(place):
    return (place / "index" / "CURRENT").read_text().strip()


def passages_of(place):
    with closing(open_store(place / "index").snapshot()) as snapshot:
        return [passage for _, passages in snapshot.by_note() for passage in passages]


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
    assert first.err == (
        f"The index in {place / 'index'} was made by an older ragqa: bringing it up to date. "
        "This happens once; the old one stays until it is done.\n"
    )
    assert second.err == ""
    assert current(place) != "gen-000001"


def test_the_index_command_does_so_too(place):
    done = run(place, "index", "--json")
    assert done.code == 0
    assert "made by an older ragqa" in done.err
    assert done.document["notes"] == done.document["added"] == 4


def test_passages_that_are_the_same_keep_their_embeddings(place):
    older = open_store(place / "index").older()
    embedded = upgrade(place)
    ids = [passage.id for passage in passages_of(place)]
    kept = older.kept(ids)
    assert len(kept) >= 2
    assert embedded == len(ids) - len(kept) + CANARIES


def test_embeddings_of_another_embedder_are_not_taken_over(place):
    embedded = upgrade(place, dimension=32)
    assert embedded >= len(passages_of(place))


def test_damaged_embeddings_are_not_taken_over(place):
    vectors = place / "index" / "gen-000001" / "vectors.faiss"
    damaged = bytearray(vectors.read_bytes())
    damaged[-5] ^= 1
    vectors.write_bytes(damaged)
    assert upgrade(place) >= len(passages_of(place))


def test_without_refreshing_an_older_index_is_named_with_the_command_that_mends_it(place):
    done = run(place, "ask", QUESTION, "--no-refresh")
    assert done.code == 4
    assert "was made by an older ragqa" in done.err
    assert "ragqa index" in done.err
    assert current(place) == "gen-000001"


def test_while_another_process_brings_it_up_to_date_one_line_says_why_there_is_no_answer(place):
    with generations.locked(place / "index", wait=False):
        done = run(place, "ask", QUESTION)
    assert done.code == 6
    error = next(line for line in done.err.splitlines() if line.startswith("error: "))
    assert "another process is writing the index" in error
    assert "was made by an older ragqa" in error


@pytest.mark.parametrize("step", ["add a note", "write vectors.faiss", "replace CURRENT"])
def test_an_upgrade_that_fails_leaves_the_older_index_and_the_next_one_ends_it(place, step):
    def fail(name):
        if name == step:
            raise KeyboardInterrupt

    with generations.stepping(fail), pytest.raises(KeyboardInterrupt):
        upgrade(place)
    assert current(place) == "gen-000001"
    assert open_store(place / "index").older() is not None
    upgrade(place)
    assert current(place) != "gen-000001"
    names = {note.name for note in (place / "notes").iterdir()}
    assert {passage.path for passage in passages_of(place)} == names


def test_settings_that_were_set_before_are_read_without_a_warning(place):
    settings = place / "config" / "ragqa" / "config.toml"
    settings.parent.mkdir(parents=True)
    shutil.copyfile(place / "config.toml", settings)
    done = run(place, "config", "--json")
    assert (done.code, done.err) == (0, "")
    origins = {name: said["origin"] for name, said in done.document["settings"].items()}
    assert origins["top_k"] == str(place / "ragqa.toml")
    assert origins["llm_deadline_s"] == "user settings"


@pytest.mark.parametrize("name", ["answer.json", "answer.md", "chat.md"])
def test_answers_that_were_saved_before_are_verified(place, name):
    assert run(place, "verify", name).code == 0
    note = place / "notes" / "gateway.md"
    note.write_text(note.read_text().replace("**100 requests**", "**90 requests**"))
    done = run(place, "verify", name)
    assert done.code == 1
    assert "[-**100" in done.out


def test_an_evaluation_that_was_saved_before_is_compared_with_one_of_today(place):
    asked = ["eval", "--questions", "questions.jsonl", "--half", "all", "--json"]
    (place / "now.json").write_text(run(place, *asked).out)
    done = run(place, "eval", "--compare", "eval.json", "now.json")
    assert done.code == 0, done.err
