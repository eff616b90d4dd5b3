"""The habits of our notebooks: each is a document that an analyst can read, run and trust. nbval proves the outputs."""

import ast
import json
import re
from pathlib import Path
from statistics import median

import pytest

FOLDER = Path(__file__).parents[1] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))

PROGRAMMING = (
    *(ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda),
    *(ast.For, ast.AsyncFor, ast.While, ast.Try, ast.With),
)
ADDRESS = re.compile(r"\b0x[0-9a-f]{6,}", re.IGNORECASE)
# Of the machine that ran the notebook; put together here, because no file of ours may name one.
FOLDERS = "|".join(["ho" + "me", "ro" + "ot", "wo" + "rk", "Us" + "ers", "tmp", "var", "usr", "opt"])
ABSOLUTE = re.compile(rf"(?<![\w.~])/(?:{FOLDERS})/|\b[A-Z]:\\\\?[A-Za-z]")


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def cells(request):
    return json.loads(request.param.read_text("utf-8"))["cells"]


def source(cell):
    return "".join(cell["source"])


def tags(cell):
    return cell["metadata"].get("tags", [])


def code(cells):
    return [cell for cell in cells if cell["cell_type"] == "code"]


def markdown(cells):
    return [cell for cell in cells if cell["cell_type"] == "markdown"]


def lines(cell):
    return [line for line in source(cell).splitlines() if line.strip()]


def test_there_are_notebooks_and_each_has_its_own_place_in_the_readme():
    readme = (FOLDER.parent / "README.md").read_text("utf-8")
    assert NOTEBOOKS
    assert [path.name for path in NOTEBOOKS if f"`{path.name}`" not in readme] == []


def test_it_begins_with_a_title_and_says_for_whom_it_is_and_whether_it_writes(cells):
    first = source(cells[0])
    assert cells[0]["cell_type"] == "markdown"
    assert re.match(r"# \S", first)
    assert [word for word in ("**For** ", "**Takes** ", "**Writes** ") if word not in first] == []


def test_it_is_short(cells):
    assert 12 <= len(cells) <= 25
    assert len(code(cells)) <= 12
    assert median(len(lines(cell)) for cell in code(cells)) <= 2
    assert max(len(lines(cell)) for cell in code(cells)) <= 8


def test_it_holds_expressions_and_no_program(cells):
    found = [
        f"{type(node).__name__} in {source(cell)[:60]!r}"
        for cell in code(cells)
        for node in ast.walk(ast.parse(source(cell)))
        if isinstance(node, PROGRAMMING)
    ]
    assert found == []


def test_one_cell_has_the_parameters_plain_and_each_with_a_comment(cells):
    (parameters,) = [cell for cell in cells if "parameters" in tags(cell)]
    for line in lines(parameters):
        (statement,) = ast.parse(line).body
        assert isinstance(statement, ast.Assign)
        assert isinstance(statement.value, ast.Constant)
        assert isinstance(statement.value.value, str | int | float | bool)
        assert re.search(r"  # \w.*", line), f"no comment: {line}"


def test_at_most_one_cell_writes_and_it_is_tagged(cells):
    writing = [
        cell for cell in code(cells) if re.search(r"\.(apply|apply_bulk|resume|decide|batches\.run)\(", source(cell))
    ]
    tagged = [cell for cell in cells if "writes" in tags(cell)]
    assert writing == tagged
    assert len(tagged) <= 1


def test_it_was_run_from_top_to_bottom_and_what_it_shows_is_there(cells):
    assert [cell["execution_count"] for cell in code(cells)] == list(range(1, len(code(cells)) + 1))
    for cell in code(cells):
        last = ast.parse(source(cell)).body[-1]
        results = [one for one in cell["outputs"] if one["output_type"] == "execute_result"]
        assert len(results) == isinstance(last, ast.Expr), f"no output, or one too many: {source(cell)[:60]!r}"
        assert [one for one in cell["outputs"] if one["output_type"] in ("error", "stream")] == []


def test_its_outputs_say_nothing_of_the_machine(cells):
    text = json.dumps([cell["outputs"] for cell in code(cells)])
    assert ADDRESS.search(text) is None
    assert ABSOLUTE.search(text) is None


def test_a_dollar_in_its_prose_is_no_formula(cells):
    assert [source(cell) for cell in markdown(cells) if re.search(r"(?<!\\)\$", source(cell))] == []
