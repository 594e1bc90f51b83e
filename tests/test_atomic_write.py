"""Files written whole or not at all, whatever lies in the folder already."""

import os
import stat

import pytest

from ragqa.safe import write_whole


@pytest.fixture
def path(tmp_path):
    return tmp_path / "chat.md"


@pytest.fixture
def target(tmp_path):
    """A file elsewhere that must stay as it is."""
    target = tmp_path / "elsewhere" / "target"
    target.parent.mkdir()
    target.write_text("mine")
    return target


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("new", [False, True])
def test_nothing_but_the_file_is_left(path, new):
    write_whole(path, "text\n", new=new)
    assert path.read_text() == "text\n"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("planted", ["link", "file"])
def test_even_the_right_guess_of_a_name_is_neither_used_nor_removed(
    path, target, monkeypatch, planted
):
    monkeypatch.setattr("ragqa.safe.os.urandom", bytes)
    write_whole(path, "old")
    draft = path.parent / f".ragqa-{'00' * 8}"
    if planted == "link":
        draft.symlink_to(target)
    else:
        draft.write_text("mine")
    with pytest.raises(FileExistsError):
        write_whole(path, "text", private=True)
    assert draft.read_text() == target.read_text() == "mine"
    assert path.read_text() == "old"


@pytest.mark.parametrize(("private", "modes"), [(True, (0o600, 0o600)), (False, (0o666, 0o640))])
def test_a_private_file_is_the_users_alone_and_any_other_as_the_umask_has_it(path, private, modes):
    before = os.umask(0)
    try:
        write_whole(path, "text", private=private)
        assert mode(path) == modes[0]
        os.umask(0o027)
        write_whole(path, "text", private=private)
        assert mode(path) == modes[1]
    finally:
        os.umask(before)


def test_a_new_file_does_not_take_the_place_of_one_that_is_there(path):
    path.write_text("old")
    with pytest.raises(FileExistsError):
        write_whole(path, "text", new=True)
    assert path.read_text() == "old"
    assert list(path.parent.iterdir()) == [path]


def test_text_that_cannot_be_written_leaves_the_old_file_and_nothing_else(path):
    path.write_text("old")
    with pytest.raises(UnicodeEncodeError):
        write_whole(path, "\ud800")
    assert path.read_text() == "old"
    assert list(path.parent.iterdir()) == [path]
