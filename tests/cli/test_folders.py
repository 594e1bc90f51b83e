"""Several folders of notes in one index, by the real command line."""

import json
import shutil

import pytest
from support import write_notes

DOGS = "# Dogs\n\nDogs sleep 12 hours a day.\n"


@pytest.fixture
def folders(tmp_path):
    write_notes(tmp_path / "notes", {"cats.md": "# Cats\n\nCats sleep 15 hours a day.\n"})
    write_notes(tmp_path / "wiki", {"dogs.md": DOGS, "old/cats.md": "# Old\n\nCats slept.\n"})
    return tmp_path


@pytest.fixture
def both(folders):
    given = [word for name in ("notes", "wiki") for word in ("--corpus", str(folders / name))]
    return [*given, "--index", str(folders / "index")]


def paths(run):
    return [hit["path"] for hit in run.document["hits"]]


def test_one_index_holds_both_and_says_which_folder_a_passage_is_from(quick, both):
    assert "3 notes" in quick("index", *both).out
    assert paths(quick("search", "dogs sleep", "--json", *both))[0] == "wiki/dogs.md"
    assert "Dogs sleep 12" in quick("get", "wiki/dogs.md", *both).out
    assert "Dogs sleep 12" in quick("get", "dogs", *both).out


def test_an_answer_saved_of_one_folder_still_verifies_with_several_and_the_other_way(
    quick, folders, both
):
    alone = ["--corpus", str(folders / "wiki")]
    index = ["--index", str(folders / "index-of-one")]
    single = [*alone, *index]
    for asked, checked, path in ((single, both, "wiki/dogs.md"), (both, alone, "dogs.md")):
        answer = quick("ask", "how many hours a day do dogs sleep?", "--json", *asked)
        saved = folders / "answer.json"
        saved.write_text(json.dumps(answer.document), encoding="utf-8")
        places = [word for word in checked if word not in ("--index", str(folders / "index"))]
        told = quick("verify", str(saved), "--json", *places).document
        first = told["citations"][0]
        assert (told["sound"], first["status"], first["now"]["path"]) == (True, "moved", path)


def test_a_note_of_a_folder_that_is_no_longer_asked_is_told_by_its_old_place(quick, folders, both):
    answer = quick("ask", "how many hours a day do dogs sleep?", "--json", *both)
    saved = folders / "answer.json"
    saved.write_text(json.dumps(answer.document), encoding="utf-8")
    write_notes(folders / "other", {"dogs.md": DOGS})
    places = ["--corpus", str(folders / "notes"), "--corpus", str(folders / "other")]
    run = quick("verify", str(saved), *places)
    assert run.code == 0
    assert "was at wiki/dogs.md:3" in run.out


def test_folders_in_another_order_have_the_same_index(quick, folders):
    given = [["--corpus", str(folders / name)] for name in ("notes", "wiki")]
    env = {"XDG_DATA_HOME": str(folders / "data")}
    assert "3 added" in quick("index", *given[0], *given[1], env=env).out
    assert "3 unchanged" in quick("index", *given[1], *given[0], env=env).out


def test_a_folder_that_is_gone_is_told_and_its_notes_are_kept_in_the_index(quick, folders, both):
    quick("index", *both)
    hidden = shutil.move(folders / "wiki", folders / "away")
    run = quick("search", "cats sleep", "--json", *both)
    assert paths(run)[0] == "notes/cats.md"
    assert any("there is no folder" in warning for warning in run.document["warnings"])
    shutil.move(hidden, folders / "wiki")
    assert "3 notes" in quick("index", *both).out
    assert "0 added" in quick("index", *both).out


def test_the_context_of_a_folder_is_shown_and_draws_questions_about_it(folders, quick, tmp_path):
    same = "# Retention\n\nBackups are kept for 30 days.\n"
    for name in ("notes", "wiki"):
        write_notes(folders / name, {"retention.md": same})
    said = "minutes of the data team"
    settings = tmp_path / "config" / "ragqa" / "config.toml"
    settings.parent.mkdir(parents=True)
    settings.write_text(
        f'corpus = [{{path = "{folders / "notes"}", context = "recipes and gardening"}},'
        f'{{path = "{folders / "wiki"}", context = "{said}"}}]\n'
    )
    env = {"XDG_CONFIG_HOME": str(tmp_path / "config")}
    index = ["--index", str(folders / "index")]
    asked = "how long are backups kept in the minutes of the data team"
    found = quick("search", asked, "--json", *index, env=env, cwd=tmp_path)
    assert paths(found)[0] == "wiki/retention.md"
    asking = {"env": env, "cwd": tmp_path}
    assert f"wiki/retention.md:1-3 ({said})" in quick("search", asked, *index, **asking).out
    assert said in quick("status", *index, **asking).out
    folder = quick("status", "--json", *index, **asking).document["folders"][1]
    assert (folder["name"], folder["context"]) == ("wiki", said)
