"""What the files around the package promise, held against each other."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

import syncro_nb
from syncro_nb import verbs

ROOT = Path(__file__).resolve().parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
PROJECT = PYPROJECT["project"]

# Where conda-forge calls a package otherwise; its `tzdata` is the system's database, not the Python package.
CONDA_NAMES = {"tzdata": "python-tzdata"}

# Put together here, so that this file does not hold what it looks for.
HOMES = "|".join(["ho" + "me", "ro" + "ot", "wo" + "rk", "Us" + "ers"])
INDEXES = "|".join(name + r"\.org" for name in ["pypi", "pythonhosted", "anaconda"])
PRIVATE = re.compile(rf"(?<![\w.~$}}-])/(?:{HOMES})/\w|{INDEXES}|\.\./{'sha' + 'red'}\b")


def requirements(lines: list[str]) -> dict[str, SpecifierSet]:
    found = [Requirement(line) for line in lines]
    return {canonicalize_name(each.name): each.specifier for each in found}


def declared(*extras: str) -> dict[str, SpecifierSet]:
    lines = [line for extra in extras for line in PROJECT["optional-dependencies"][extra]]
    return requirements([*PROJECT["dependencies"], *lines])


def conda() -> tuple[dict[str, SpecifierSet], list[str]]:
    """What environment.yml takes from conda-forge, and the lines that it gives to pip."""
    listed = yaml.safe_load((ROOT / "environment.yml").read_text("utf-8"))["dependencies"]
    specs = [line for line in listed if isinstance(line, str)]
    (pip,) = [entry["pip"] for entry in listed if isinstance(entry, dict)]
    return requirements(specs), pip


def first_code_block(markdown: str) -> list[str]:
    block = re.search(r"^```.*?\n(.*?)^```", markdown, re.MULTILINE | re.DOTALL)
    return [line.partition("#")[0].strip() for line in block[1].splitlines()] if block else []


def tracked_files() -> list[Path]:
    """Every file that git tracks, or would with the next `git add`."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("this is not a checkout")
    listed = subprocess.run(
        # The checkout may belong to another user than the one that tests it.
        [*("git", "-c", "safe.directory=*"), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    return [path for name in listed.stdout.decode().split("\0") if name and (path := ROOT / name).is_file()]


def test_environment_yml_asks_for_the_same_packages_and_versions_as_pyproject() -> None:
    from_conda, to_pip = conda()
    from_pip = requirements([line for line in to_pip if not line.startswith("-e")])

    wanted = {CONDA_NAMES.get(name, name): specifier for name, specifier in declared("test", "browser").items()}

    assert not from_conda.keys() & from_pip.keys()
    python, pip = from_conda.pop("python"), from_conda.pop("pip")
    assert from_conda | from_pip == wanted
    assert python == SpecifierSet(PROJECT["requires-python"])
    assert pip == SpecifierSet()
    assert "-e ." in to_pip


def test_every_dependency_is_argued_in_one_line_and_nothing_else_is() -> None:
    lines = (ROOT / "docs" / "dependencies.md").read_text("utf-8").splitlines()
    argued = [re.match(r"- \*\*(.+?)\*\*: .{40,}", line) for line in lines if line.startswith("- ")]
    build = requirements(PYPROJECT["build-system"]["requires"])

    assert None not in argued
    names = [canonicalize_name(match[1]) for match in argued if match]
    assert sorted(names) == sorted(declared(*PROJECT["optional-dependencies"]) | build)


def test_the_first_two_commands_of_the_readme_are_targets_of_the_makefile() -> None:
    commands = first_code_block((ROOT / "README.md").read_text("utf-8"))
    makefile = (ROOT / "Makefile").read_text("utf-8")
    targets = {name for line in re.findall(r"^([a-z][a-z -]*):(?!=)", makefile, re.MULTILINE) for name in line.split()}

    assert [line for line in commands if line.startswith("make ")][:2] == ["make demo", "make test"]
    assert {"demo", "test", "lint", "notebooks", "clean", "help"} <= targets


def test_every_verb_and_option_is_in_the_description_of_the_command_line() -> None:
    described = (ROOT / "docs" / "command-line.md").read_text("utf-8")

    def missing(found: tuple[verbs.Verb, ...], before: str = "syncro") -> list[str]:
        absent = []
        for verb in found:
            call = f"{before} {verb.name}"
            names = [option.names[0] for option in verb.options if option.names[0].startswith("--")]
            absent += [name for name in (f"`{call}", *names) if not re.search(rf"{re.escape(name)}\b", described)]
            # A group's own words stand between it and its subverbs: `syncro timer NUMBER start`.
            own = [option.settings["metavar"] for option in verb.options if option.names[0][0] != "-"]
            absent += missing(verb.subverbs, " ".join([call, *own]) if verb.is_group else call)
        return absent

    assert missing(verbs.VERBS) == []
    assert [o.names[0] for o in (*verbs.COMMON, *verbs.OF_WRITES) if f"| `{o.names[0]}" not in described] == []


def test_the_readme_names_every_exit_status() -> None:
    described = (ROOT / "docs" / "command-line.md").read_text("utf-8")
    readme = re.search(
        r"the exit status\ntells what happened: (.*?)\n\[", (ROOT / "README.md").read_text("utf-8"), re.DOTALL
    )
    statuses = re.findall(r"^\| (\d+) \|", described, re.MULTILINE)

    assert readme
    assert re.findall(r"\b(\d+) [A-Za-z]", readme[1]) == statuses


def test_every_page_of_the_documentation_is_linked_from_the_readme() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")

    assert [path.name for path in (ROOT / "docs").glob("*.md") if f"(docs/{path.name})" not in readme] == []


def test_what_uv_writes_is_not_for_git() -> None:
    ignored = (ROOT / ".gitignore").read_text("utf-8").splitlines()

    assert {"uv.lock", ".venv/", "syncro-notebooks/"} <= set(ignored)


def test_the_changelog_begins_with_the_version_of_the_package() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text("utf-8")
    versions = re.findall(r"^## \[?v?(\d[\w.]*)", changelog, re.MULTILINE)

    assert versions
    assert versions[0] == PROJECT["version"] == syncro_nb.__version__


def test_no_file_names_a_folder_of_somebodys_machine_or_a_package_index() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:100]}"
        for path in tracked_files()
        for number, line in enumerate(path.read_bytes().decode("utf-8", "replace").splitlines(), 1)
        if PRIVATE.search(line)
    ]

    assert PRIVATE.search(f"in {'/'.join(['', 'ho' + 'me', 'ann', 'syncro'])}")
    assert not found, "\n".join(found)
