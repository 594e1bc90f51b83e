"""The architecture, held against the imports of every module."""

import ast
from pathlib import Path

import ragqa

PACKAGE = Path(ragqa.__file__).parent

LAYERS = [
    {"errors", "telemetry", "types", "atomic_write", "sanitise"},
    {"config", "text", "clock", "stages", "history", "quiet"},
    {"notes", "passages", "embedders", "stores", "llms", "consent"},
    {"readers", "spelling"},
    {"claims"},
    {"indexing", "retrieval", "answering"},
    {"generation", "followups"},
    {"api"},
    {"diagnosis", "evaluation", "explaining", "verifying", "chatting"},
    {"getting"},
    {"render"},
    {"serving"},
    {"cli"},
    {"__main__"},
]
LAYER = {name: number for number, names in enumerate(LAYERS) for name in names}


def _modules():
    return sorted(
        path for path in PACKAGE.rglob("*.py") if path.parent != PACKAGE or path.stem != "__init__"
    )


def _home(path):
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def _imports(path):
    """The modules of ragqa that a file imports, wherever in it, by their dotted names."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names if name.name.startswith("ragqa."))
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            if node.module == "ragqa":
                yield from (f"ragqa.{name.name}" for name in node.names)
            elif node.module.startswith("ragqa."):
                yield node.module


def test_every_module_has_its_layer():
    assert {_home(path) for path in _modules()} == set(LAYER)


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


def test_there_are_no_relative_imports():
    relative = [
        f"{path.relative_to(PACKAGE)}:{node.lineno}"
        for path in _modules()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.level
    ]
    assert relative == []


def test_no_two_modules_import_each_other():
    graph = {}
    for path in _modules():
        relative = path.relative_to(PACKAGE).with_suffix("")
        parts = relative.parts[:-1] if relative.name == "__init__" else relative.parts
        graph[".".join(("ragqa", *parts))] = _top_level_imports(path)
    state = {}

    def visit(module, trail):
        if state.get(module) == "done":
            return
        assert state.get(module) != "open", " -> ".join([*trail, module])
        state[module] = "open"
        for target in graph.get(module, ()):
            # A package's own `__init__` is run before any of its modules and imports them.
            if target in graph and target != module and not module.startswith(f"{target}."):
                visit(target, [*trail, module])
        state[module] = "done"

    for module in graph:
        visit(module, [])


def _top_level_imports(path):
    """What is imported while the module is imported, not later inside a function."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {
        node.module
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("ragqa.")
    }


def test_only_render_prints():
    printing = [
        f"{path.relative_to(PACKAGE)}:{node.lineno}"
        for path in _modules()
        if _home(path) != "render"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "print"
    ]
    assert printing == []


def test_modules_and_functions_stay_small():
    long = []
    for path in _modules():
        text = path.read_text(encoding="utf-8")
        if text.count("\n") > 300:
            long.append(f"{path.relative_to(PACKAGE)}: {text.count(chr(10))} lines")
        long += [
            f"{path.relative_to(PACKAGE)}:{node.lineno} {node.name}"
            for node in ast.walk(ast.parse(text))
            if isinstance(node, ast.FunctionDef) and node.end_lineno - node.lineno >= 40
        ]
    assert long == []
