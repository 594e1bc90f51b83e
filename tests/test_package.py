"""What is shipped."""

import email
import re
import runpy
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from support import HANGS_S

import ragqa as package

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
RELATIVE = re.compile(r"\]\((?!https://)[^)]*\)")


@pytest.fixture(scope="module")
def dist(tmp_path_factory):
    """The folder with a wheel and an sdist, both built from the working tree."""
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-d", str(folder)],
        cwd=ROOT,
        check=True,
        capture_output=True,
        timeout=HANGS_S,
    )
    return folder


@pytest.fixture(scope="module")
def built(dist):
    """The names in the wheel and in the sdist."""
    (wheel,) = dist.glob("*.whl")
    (sdist,) = dist.glob("*.tar.gz")
    with zipfile.ZipFile(wheel) as packed:
        in_wheel = packed.namelist()
    with tarfile.open(sdist) as packed:
        in_sdist = [name.partition("/")[2] for name in packed.getnames()]
    return in_wheel, in_sdist


def test_the_wheel_holds_the_package_its_data_and_licence_and_nothing_else(built):
    wheel, _ = built
    assert {"ragqa/__init__.py", "ragqa/py.typed", "ragqa/answering/confidence.json"} <= set(wheel)
    assert any(name.endswith("/licenses/LICENSE") for name in wheel)
    assert {name.partition("/")[0].partition("-")[0] for name in wheel} == {"ragqa"}


def test_the_sdist_holds_what_the_tests_and_documents_need_and_no_index(built):
    _, sdist = built
    assert {"README.md", "LICENSE", "corpus/index.md", "tests/conftest.py"} <= set(sdist)
    assert "hatch_build.py" in sdist  # without it no wheel can be made of the sdist
    assert [name for name in sdist if name.startswith("indexes/") and "README" not in name] == []
    plugins = {name for name in sdist if name.startswith("plugins")}
    assert plugins <= {"plugins", "plugins/obsidian", "plugins/obsidian/README.md"}


@pytest.fixture(scope="module")
def metadata(dist):
    """What the wheel says about itself."""
    (wheel,) = dist.glob("*.whl")
    with zipfile.ZipFile(wheel) as packed:
        (name,) = (name for name in packed.namelist() if name.endswith(".dist-info/METADATA"))
        return email.message_from_bytes(packed.read(name))


def test_the_wheel_says_what_it_is_and_which_pythons_it_is_for(metadata):
    assert metadata["Name"] == "ragqa"
    assert metadata["Version"] == package.__version__
    assert metadata["License-Expression"] == "MIT"
    assert metadata["Requires-Python"] == ">=3.11"
    classifiers = metadata.get_all("Classifier")
    pythons = [one for one in classifiers if re.search(r":: 3\.\d+$", one)]
    assert pythons == [f"Programming Language :: Python :: 3.{minor}" for minor in (11, 12, 13, 14)]
    assert "Typing :: Typed" in classifiers


def test_the_long_description_is_the_readme_and_no_link_in_it_is_relative(metadata):
    described = metadata.get_payload(decode=True).decode("utf-8")
    assert metadata["Description-Content-Type"].startswith("text/markdown")
    assert re.findall(r"^#+ .*", described, re.MULTILINE) == re.findall(
        r"^#+ .*", README, re.MULTILINE
    )
    assert RELATIVE.findall(described) == []


def test_once_the_repository_has_an_address_links_and_pictures_lead_to_the_release_there():
    make = runpy.run_path(str(ROOT / "hatch_build.py"))["long_description"]
    described = make(README, "https://example.org/ragqa", "1.2.3")
    assert RELATIVE.findall(described) == []
    assert "](https://example.org/ragqa/blob/v1.2.3/docs/getting-started.md)" in described
    assert "](https://example.org/ragqa/raw/v1.2.3/docs/session.svg)" in described
    assert described.count("](") == README.count("](")
    assert make("See [Try it](#try-it).", "https://example.org/r", "1") == (
        "See [Try it](https://example.org/r/blob/v1/README.md#try-it)."
    )
