"""The cut of the rooms: who may import whom, who owns which library, and what an import of the package costs."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "syncro_nb"

# Each room imports only from rooms to its left (or above); rooms in one place do not know each other.
LAYERS = [
    {"errors", "escape", "money", "clock", "secret", "zones"},
    {"database", "keys", "policy", "thresholds"},
    {"config"},
    {"service", "sandbox"},
    {"tables", "keptsandbox", "words", "hours"},
    {"frames"},
    {"books"},
    {"terms"},
    {"mirror"},
    {"reconcile", "triage", "summary"},
    {"reports"},
    {"writes"},
    {"ticketview", "live", "directory", "group", "progress"},
    {"workspace"},
    {"sessionlog", "lab", "doctor", "export", "charts"},
    {"workbook", "receiptfile"},
    {"forms"},
    {"verbs", "door"},
    {"editing", "looking", "reconciling", "completion"},
    {"actions"},
    {"cli", "magic"},
    {"__main__"},
]
# The sandbox must not learn the API from the client: a misreading of one has to show against the other.
SHARED_WITH_SANDBOX = {"errors", "money", "clock", "escape"}
OWNERS = {
    "httpx": "service/transport.py",
    "sqlite3": "database.py",
    "ipywidgets": "forms",
    "yaml": "config.py",
    "msgspec": "writes",
    "platformdirs": "config.py",
    "keyring": "keys.py",
    "getpass": "keys.py",
    "xlsxwriter": "export.py",
    "matplotlib": "charts.py",
    "itables": "forms/table.py",
    "psutil": "database.py",
    "pyarrow": "mirror/store.py",
    "tqdm": "progress.py",
    "IPython": "magic.py",
}


def modules():
    return sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")


def room(path):
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def is_type_checking(node):
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def imports(path):
    """(absolute module or our own room, is ours) of every import, those for type checkers left out."""
    tree = ast.parse(path.read_text("utf-8"))
    skipped = {id(inner) for node in ast.walk(tree) if is_type_checking(node) for inner in ast.walk(node)}
    depth = len(path.relative_to(PACKAGE).parts)
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            yield from ((alias.name.split(".")[0], False) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.module.split(".")[0], False
        elif isinstance(node, ast.ImportFrom) and node.level == depth:  # from the package's top
            names = [node.module.split(".")[0]] if node.module else [alias.name for alias in node.names]
            yield from ((name, True) for name in names if name != "__version__")


def test_every_room_has_a_place_in_the_layers():
    placed = set().union(*LAYERS)
    assert {room(path) for path in modules()} <= placed


@pytest.mark.parametrize("path", modules(), ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_a_room_imports_only_from_the_layers_below_it(path):
    height = {name: place for place, names in enumerate(LAYERS) for name in names}
    own = room(path)
    above = [name for name, ours in imports(path) if ours and name != own and height[name] >= height[own]]
    assert above == []


def test_the_sandbox_knows_nothing_of_the_client():
    learned = {name for path in modules() if room(path) == "sandbox" for name, ours in imports(path) if ours}
    assert learned <= SHARED_WITH_SANDBOX


@pytest.mark.parametrize(("library", "owner"), OWNERS.items())
def test_a_library_has_one_owner(library, owner):
    users = {path.relative_to(PACKAGE).as_posix() for path in modules() if (library, False) in imports(path)}
    assert users
    assert all(user == owner or user.startswith(f"{owner}/") for user in users)


def test_only_the_step_machine_sends_writes():
    senders = {
        path.relative_to(PACKAGE).as_posix()
        for path in modules()
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Attribute) and node.attr == "send" and "client" in ast.dump(node.value)
    }
    assert senders == {"writes/run.py"}


def test_importing_the_package_loads_nothing_heavy_and_opens_nothing():
    program = """
import sys
opened = []
sys.addaudithook(lambda event, args: opened.append((event, args)) if event in ("socket.connect", "socket.bind")
                 or event == "open" and not str(args[0]).endswith((".py", ".pyc")) else None)
import syncro_nb
heavy = {"pandas", "ipywidgets", "httpx", "yaml", "sqlite3", "IPython", "nbformat"} & set(sys.modules)
print(sorted(heavy), opened)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[] []"


def test_the_help_loads_neither_client_nor_frames():
    program = (
        "import sys, contextlib, io, syncro_nb.cli as cli\n"
        "with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit): cli.main(['--help'])\n"
        "print(sorted({'pandas', 'httpx', 'yaml', 'ipywidgets'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_public_function_and_class_says_what_it_is():
    silent = []
    for path in modules():
        tree = ast.parse(path.read_text("utf-8"))
        silent += [] if ast.get_docstring(tree) or path.name == "__init__.py" else [path.name]
        for node in ast.walk(tree):
            named = isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_")
            if named and node in tree.body and not ast.get_docstring(node):
                silent.append(f"{path.name}: {node.name}")
    assert silent == []
