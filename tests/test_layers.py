"""The architecture, held by the syntax tree: imports point down only, deferred ones too, and the engine stays light."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import fovnb

ROOT = Path(fovnb.__file__).parent

# From the bottom up: a module imports only from rows below its own.
LAYERS = (
    {"errors", "types"},
    {"files", "text"},
    {"maps", "recipe"},
    {"irf", "modeling"},
    {"data"},
    {"datasets"},
    {"makers"},
    {"diagnostics"},
    {"download", "plots"},
    {"demo"},
    {"steps"},
    {"pipeline"},
    {"codegen"},
    {"report"},
    {"commands"},
    {"__main__", "widgets"},
)
RANK = {name: rank for rank, names in enumerate(LAYERS) for name in names}

# `Map.plot` is a thin call into the layer that draws: the one import that points up.
UPWARD = {("maps", "plots")}

# Who may import what beyond numpy and astropy.
ONLY_IN = {
    "anywidget": {"widgets"},
    "gammapy": set(),
    "iminuit": {"modeling"},
    "ipyaladin": {"widgets"},
    "ipywidgets": {"widgets"},
    "matplotlib": {"demo", "plots", "report", "widgets"},
    "regions": {"maps", "makers", "datasets", "demo", "plots", "widgets"},
    "traitlets": {"widgets"},
}

ENGINE = ("", ".maps", ".irf", ".data", ".modeling", ".modeling.models", ".datasets", ".makers")
# yaml is not among them: it comes with astropy's tables.
HEAVY = {"anywidget", "gammapy", "ipyaladin", "ipywidgets", "matplotlib", "scipy", "tqdm"}


def imported(tree: ast.AST, package: str = "fovnb") -> Iterator[str]:
    """Yield the full dotted name of everything that a module of ``package`` imports, at any depth of its code."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parents = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*parents, *filter(None, [node.module])])
            yield from (f"{base}.{alias.name}" for alias in node.names)


def part(path: Path) -> str:
    """Return the part of fovnb that a file belongs to: ``maps`` for ``fovnb/maps/axes.py``."""
    return path.relative_to(ROOT).with_suffix("").parts[0]


def module_files() -> list[Path]:
    return sorted(path for path in ROOT.rglob("*.py") if path != ROOT / "__init__.py")


def imports_of(path: Path) -> list[str]:
    package = ".".join(("fovnb", *path.relative_to(ROOT).parent.parts))
    return list(imported(ast.parse(path.read_text()), package))


def wrong_way(source: str, names: list[str]) -> list[str]:
    """Return the names that a module of the part ``source`` may not import."""
    inner = [name for name in names if name.startswith("fovnb.")]
    targets = {name: name.split(".")[1] for name in inner if name.split(".")[1] in RANK}
    return [
        name
        for name, target in targets.items()
        if target != source and RANK[target] >= RANK[source] and (source, target) not in UPWARD
    ]


@pytest.mark.parametrize("path", module_files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_down(path: Path) -> None:
    assert part(path) in RANK, f"{path} belongs to no layer: give it one"
    assert wrong_way(part(path), imports_of(path)) == []


@pytest.mark.parametrize("path", module_files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_other_packages_are_used_where_they_belong_and_by_public_names(path: Path) -> None:
    names = [name for name in imports_of(path) if not name.startswith("fovnb")]
    strangers = [name for name in names if part(path) not in ONLY_IN.get(name.split(".")[0], {part(path)})]
    private = [name for name in names if any(word.startswith("_") for word in name.split(".")[1:])]
    assert strangers == []
    assert private == []


def test_the_check_sees_deferred_and_relative_imports() -> None:
    code = "def late():\n    from fovnb.makers import SafeMaskMaker\n    from ..datasets.core import MapDataset\n"
    names = list(imported(ast.parse(code), "fovnb.maps"))
    assert names == ["fovnb.makers.SafeMaskMaker", "fovnb.datasets.core.MapDataset"]
    assert wrong_way("maps", names) == names
    assert wrong_way("diagnostics", names) == []
    assert wrong_way("irf", ["fovnb.modeling.Fit", "fovnb.maps.Map"]) == ["fovnb.modeling.Fit"]


@pytest.mark.parametrize("name", [f"fovnb{suffix}" for suffix in ENGINE])
def test_import_is_light(name: str) -> None:
    """The engine serves scripts and clusters, too: nothing of the notebook, the plots or scipy comes with it."""
    code = f"import sys, {name}; print(*sorted({HEAVY!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT.parent)
    assert done.stdout.split() == []
