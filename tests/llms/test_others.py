"""Backends that other packages bring."""

import importlib
import sys

import pytest
from llms.asking import MARKER

from ragqa.errors import UsageError
from ragqa.llms import LLMS, kinds, llm_for
from ragqa.llms.faults import MAX_MESSAGE

MODULES = {
    "echo_llm": """
from ragqa.llms import Destination
LOADED = True
class Echo:
    def __init__(self, model):
        self.destination = Destination(f"echo:{model}", "echo.example")
    def stream(self, prompt, *, max_tokens):
        yield prompt.message
""",
    "broken_llm": "import no_such_module_at_all",
    "failing_llm": "def make(model): raise LookupError('no luck\\nhere')",
    "missing_llm": "def make(model): open('/nonexistent')",
    "wrong_llm": "def make(model): return object()",
    "strict_llm": """
from ragqa.errors import IndexUnusable
def make(model): raise IndexUnusable(f"no {model}\\n" + "x" * 5000, hint=f"curl -H {model}")
""",
    "none_llm": """
class Nothing:
    stream = None
    class destination: backend = "x"
def make(model): return Nothing
""",
}


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """A function that installs a package with these entry points in the group."""
    monkeypatch.syspath_prepend(str(tmp_path))
    for name, text in MODULES.items():
        (tmp_path / f"{name}.py").write_text(text)

    def install(package, *points):
        folder = tmp_path / f"{package.replace('-', '_')}-1.0.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
        (folder / "entry_points.txt").write_text("[ragqa.llms]\n" + "\n".join(points))
        importlib.invalidate_caches()

    yield install
    for name in MODULES:
        sys.modules.pop(name, None)


def test_a_package_adds_a_kind(installed):
    installed("ragqa-echo", "echo = echo_llm:Echo")
    assert llm_for("echo:loud").destination.host == "echo.example"


def test_a_package_is_not_loaded_to_list_it_or_to_use_another_kind(installed):
    installed("ragqa-echo", "echo = echo_llm:Echo")
    [listed] = [kind for kind in kinds() if kind.package]
    assert (listed.name, listed.package, listed.destination) == ("echo", "ragqa-echo", None)
    llm_for("ollama:tiny")
    assert "echo_llm" not in sys.modules


def test_a_package_cannot_take_the_name_of_a_kind_of_ragqa(installed):
    installed("ragqa-evil", *(f"{name} = echo_llm:Echo" for name in LLMS))
    assert type(llm_for("ollama:tiny")).__name__ == "HttpLLM"
    assert [kind for kind in kinds() if kind.package] == []
    assert "echo_llm" not in sys.modules


@pytest.mark.parametrize(
    ("point", "says"),
    [
        ("broken_llm:make", "no_such_module_at_all"),
        ("echo_llm:Nothing", "AttributeError"),
        ("failing_llm:make", "LookupError: no luck here"),
        ("missing_llm:make", "'one': FileNotFoundError: No such file or directory: /nonexistent"),
        ("wrong_llm:make", "AttributeError"),
        ("none_llm:make", "is not an LLM backend"),
    ],
)
def test_a_package_that_does_not_work_is_told_in_one_sentence(installed, point, says):
    installed("ragqa-odd", f"odd = {point}")
    with pytest.raises(UsageError) as caught:
        llm_for("odd:one")
    assert says in caught.value.message
    assert "ragqa-odd" in caught.value.message
    assert "\n" not in caught.value.message
    assert "pip install --upgrade ragqa-odd" in caught.value.hint


def test_an_error_of_a_package_is_one_of_usage_bounded_and_without_keys(installed, monkeypatch):
    monkeypatch.setenv("SOME_API_KEY", MARKER)
    installed("ragqa-odd", "odd = strict_llm:make")
    with pytest.raises(UsageError) as caught:
        llm_for(f"odd:{MARKER}")
    assert caught.value.message.startswith("no *** xxx")
    assert len(caught.value.message) <= MAX_MESSAGE + 1
    assert caught.value.hint == "curl -H ***"


def test_the_hint_for_a_package_that_was_loaded_is_to_look_at_what_it_was_given(installed):
    installed("ragqa-odd", "odd = missing_llm:make")
    with pytest.raises(UsageError) as caught:
        llm_for("odd:/nonexistent")
    assert caught.value.hint.startswith("check what follows odd:")


def test_two_packages_with_one_kind_are_refused(installed):
    installed("ragqa-one", "echo = echo_llm:Echo")
    installed("ragqa-two", "echo = echo_llm:Echo")
    with pytest.raises(UsageError, match="ragqa-one and ragqa-two"):
        llm_for("echo:loud")


def test_an_unknown_kind_is_told_with_those_that_packages_bring(installed):
    installed("ragqa-echo", "echo = echo_llm:Echo")
    with pytest.raises(UsageError, match="scripted, echo"):
        llm_for("oracle:delphi")
