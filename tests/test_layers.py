"""The architecture, held against the imports of every module."""

import ast
import re
from collections import Counter
from functools import cache
from pathlib import Path

import ragqa

PACKAGE = Path(ragqa.__file__).parent

LAYERS = [
    {"errors", "corpus", "languages"},
    {"types", "safe"},
    {"saved", "config", "text", "clock"},
    {"notes", "passages", "embedders", "llms", "user_data"},
    {"index", "rerankers", "grounding"},
    {"search"},
    {"answering"},
    {"generation"},
    {"api"},
    {"lookup"},
    {"related", "why"},
    {"status", "evaluation", "verify", "follow_ups"},
    {"render"},
    {"serving"},
    {"cli"},
    {"__main__"},
]
LAYER = {name: number for number, names in enumerate(LAYERS) for name in names}


@cache
def _tree(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def _modules():
    return sorted(
        path for path in PACKAGE.rglob("*.py") if path.parent != PACKAGE or path.stem != "__init__"
    )


def _home(path):
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def _imports(path):
    """The modules of ragqa that a file imports, wherever in it, by their dotted names."""
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names if name.name.startswith("ragqa."))
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            if node.module == "ragqa":
                yield from (f"ragqa.{name.name}" for name in node.names)
            elif node.module.startswith("ragqa."):
                yield node.module


def test_every_module_has_its_layer():
    assert {_home(path) for path in _modules()} == set(LAYER)


def test_the_architecture_page_has_the_same_layers():
    page = (Path(__file__).parent.parent / "docs/architecture.md").read_text(encoding="utf-8")
    layers = [set() for _ in LAYERS]
    for number, modules in re.findall(r"^\| (\d+) \| (.+?) \|", page, flags=re.MULTILINE):
        layers[int(number)] |= set(re.findall(r"`(\w+)`", modules))
    assert layers == LAYERS


def test_imports_point_downward_only():
    upward = [
        f"{path.relative_to(PACKAGE)} imports {module}"
        for path in _modules()
        for module in _imports(path)
        if (target := module.split(".")[1]) != "__version__"
        and target != _home(path)
        and LAYER[target] >= LAYER[_home(path)]
    ]
    assert upward == []


def test_only_render_prints():
    printing = [
        f"{path.relative_to(PACKAGE)}:{node.lineno}"
        for path in _modules()
        if _home(path) != "render"
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "print"
    ]
    assert printing == []


def test_modules_and_functions_stay_small():
    long = []
    for path in _modules():
        text = path.read_text(encoding="utf-8")
        if text.count("\n") > 450:
            long.append(f"{path.relative_to(PACKAGE)}: {text.count(chr(10))} lines")
        long += [
            f"{path.relative_to(PACKAGE)}:{node.lineno} {node.name}"
            for node in ast.walk(_tree(path))
            if isinstance(node, ast.FunctionDef) and node.end_lineno - node.lineno >= 60
        ]
    assert long == []


def test_no_two_modules_share_a_name():
    names = Counter(path.stem for path in _modules() if not path.stem.startswith("__"))
    assert [name for name, number in names.items() if number > 1] == []


def test_no_two_classes_share_a_name():
    nodes = (node for path in _modules() for node in ast.walk(_tree(path)))
    names = Counter(n.name.lstrip("_") for n in nodes if isinstance(n, ast.ClassDef))
    assert [name for name, number in names.items() if number > 1] == []
