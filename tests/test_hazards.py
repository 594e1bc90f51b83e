"""What the package does not do at all: run programs or text, unpickle, follow pages, listen."""

import ast
from pathlib import Path

import pytest

import ragqa

PACKAGE = Path(ragqa.__file__).parent
NODES = {
    str(path.relative_to(PACKAGE)): [*ast.walk(ast.parse(path.read_text(encoding="utf-8")))]
    for path in PACKAGE.rglob("*.py")
}
NEVER = {
    "code", "ctypes", "dill", "ftplib", "http.client", "http.server", "joblib",
    "marshal", "pdb", "pickle", "pty", "requests", "runpy", "shelve", "smtplib",
    "socketserver", "telnetlib", "urllib.request", "urllib3", "xmlrpc",
}  # fmt: skip
ONLY_IN = {
    "huggingface_hub": {"embedders/models.py"},
    "grpc": {"index/milvus/client.py"},
    "httpx2": {"llms/http.py"},
    "milvus_lite": {"index/milvus/client.py"},
    "pymilvus": {"index/milvus/client.py"},
    "ray": {"embedders/spread.py"},
    "socket": {"embedders/spread.py", "serving/guard.py"},
    # This Python, to read in another process what may crash or hang it, and to update an index that
    # is served; and the user's own editor.
    "subprocess": {"notes/extraction.py", "cli/editor.py", "serving/updates.py"},
    # The address of a server that the user has just started.
    "webbrowser": {"cli/serve.py"},
}
CALLS = {"eval", "exec", "__import__", "breakpoint"}
METHODS = {
    "os": {"system", "popen", "fork", "startfile"},
    "torch": {"load"},
    "np": {"fromfile"},
    "yaml": {"full_load", "safe_load", "unsafe_load", "load_all"},
}


def _imported(nodes):
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def _called(nodes):
    """The functions called by their bare names, and those of modules, as `module.function`."""
    for node in nodes:
        match node:
            case ast.Call(func=ast.Name(id=name)):
                yield name
            case ast.Call(func=ast.Attribute(value=ast.Name(id=module), attr=name)):
                yield f"{module}.{name}"


IMPORTS = {path: {*_imported(nodes)} for path, nodes in NODES.items()}


def test_nothing_is_imported_that_runs_programs_or_objects_of_a_file():
    found = [
        f"{path} imports {module}"
        for path, modules in IMPORTS.items()
        for module in modules
        if not NEVER.isdisjoint({module, module.partition(".")[0]})
    ]
    assert found == []


def test_nothing_is_called_that_runs_text_or_makes_objects_of_a_file():
    forbidden = CALLS | {f"{module}.{name}" for module in METHODS for name in METHODS[module]}
    found = [
        f"{path} calls {name}"
        for path, nodes in NODES.items()
        for name in _called(nodes)
        if name in forbidden or name.startswith(("os.exec", "os.spawn", "os.posix_spawn"))
    ]
    assert found == []


@pytest.mark.parametrize("module", ONLY_IN)
def test_only_the_modules_for_it_can_open_a_connection(module):
    found = {
        path
        for path, modules in IMPORTS.items()
        if any(f"{name}.".startswith(f"{module}.") for name in modules)
    }
    assert found == ONLY_IN[module]


def test_code_of_a_model_or_an_array_is_never_trusted():
    trusting = [
        path
        for path, nodes in NODES.items()
        for node in nodes
        if isinstance(node, ast.keyword)
        and node.arg in ("trust_remote_code", "allow_pickle")
        and not (isinstance(node.value, ast.Constant) and node.value.value is False)
    ]
    assert trusting == []
