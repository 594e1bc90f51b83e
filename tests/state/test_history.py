"""What was typed in chats."""

import stat

import pytest

from ragqa.state import MAX_LINES, History


@pytest.fixture
def path(tmp_path):
    return tmp_path / "data" / "history" / "notes"


def test_lines_are_kept_in_order_each_on_one_line(path):
    for line in ("what is LoRA?", "and\nQLoRA?"):
        History(path).add(line)
    assert History(path).read() == ["what is LoRA?", "and QLoRA?"]


def test_only_the_user_may_read_it_even_if_others_could_before(path):
    path.parent.mkdir(parents=True)
    path.write_text("old\n", encoding="utf-8")
    path.chmod(0o644)
    History(path).add("new")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_command_of_the_chat_is_no_question(path):
    for line in ("/save secrets.md", "what is LoRA?", "  /quit"):
        History(path).add(line)
    assert History(path).read() == ["what is LoRA?"]


def test_it_stays_bounded_and_private(path):
    path.parent.mkdir(parents=True)
    path.write_text("".join(f"{n}\n" for n in range(2 * MAX_LINES)), encoding="utf-8")
    assert History(path).read() == [str(n) for n in range(MAX_LINES, 2 * MAX_LINES)]
    assert path.read_text(encoding="utf-8").count("\n") == MAX_LINES
    for question in ("new", "newer"):  # asking alone keeps it bounded, too
        assert History(path).add(question)
    assert path.read_text(encoding="utf-8").count("\n") <= MAX_LINES + 1
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_question_asked_again_at_once_is_kept_once(path):
    for line in ("what is LoRA?", "what  is LoRA?", "and QLoRA?", "what is LoRA?"):
        assert History(path).add(line)
    assert History(path).read() == ["what is LoRA?", "and QLoRA?", "what is LoRA?"]


def test_a_link_in_its_place_is_not_followed(path, tmp_path):
    path.parent.mkdir(parents=True)
    target = tmp_path / "target"
    target.write_text("mine\n", encoding="utf-8")
    path.symlink_to(target)
    History(path).add("new")
    assert target.read_text(encoding="utf-8") == "mine\n"


def test_where_it_cannot_be_kept_nothing_happens(path):
    path.mkdir(parents=True)
    History(path).add("new")
    assert History(path).read() == []
