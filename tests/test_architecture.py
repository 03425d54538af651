"""The direction of imports, read from the import statements: down a floor, or left on the same floor."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
APPS = ("portal", "payers", "coding")
FLOOR_OF_PART = {
    "views": 3,
    "forms": 3,
    "presenters": 3,
    "urls": 3,
    "management": 3,
    "templatetags": 3,
    "context": 3,
    "middleware": 3,
    "models": 1,
    "npi": 1,
    "migrations": 1,
    "engine": 0,
}
# These put the house together and may name every app; nobody imports them.
ASSEMBLY = {"portal.apps", "portal.settings", "portal.urls", "portal.wsgi"}
FORBIDDEN_NAMES = {"utils", "helpers", "common", "core", "base", "misc"}


def modules() -> list[str]:
    """Every module of the three apps, dotted; migrations are history and left out."""
    paths = [path for app in APPS for path in (ROOT / app).rglob("*.py") if "migrations" not in path.parts]
    return sorted(".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for path in paths)


def floor_of(module: str) -> int:
    parts = module.split(".")
    if len(parts) == 1:
        return 0
    part = parts[1]
    if part not in FLOOR_OF_PART and part.endswith(("_forms", "_presenters")):
        return 3
    return FLOOR_OF_PART.get(part, 2)


def imports_of(module: str) -> list[str]:
    """The modules of our own that a module's import statements name."""
    path = ROOT / Path(*module.split("."))
    source = (path / "__init__.py") if path.is_dir() else path.with_suffix(".py")
    named = []
    for node in ast.walk(ast.parse(source.read_text())):
        if isinstance(node, ast.Import):
            named += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            known = set(modules())
            named += [
                f"{node.module}.{alias.name}" if f"{node.module}.{alias.name}" in known else node.module
                for alias in node.names
            ]
    return [name for name in named if name.split(".")[0] in APPS]


def is_allowed(importer: str, imported: str) -> bool:
    """Down is allowed; on one floor only the own app or one further left; the engine knows only itself."""
    if importer.startswith("coding.engine"):
        return imported.startswith("coding.engine")
    if importer in ASSEMBLY:
        return True
    if imported in ASSEMBLY:
        return False
    here, there = floor_of(importer), floor_of(imported)
    if here != there:
        return here > there
    return APPS.index(imported.split(".")[0]) <= APPS.index(importer.split(".")[0])


def is_between_rooms_that_never_meet(importer: str, imported: str) -> bool:
    """Views never import views of another module, and nothing imports urls but urls."""
    is_view = importer.split(".")[1:2] == ["views"] and imported.split(".")[1:2] == ["views"]
    return is_view and len(importer.split(".")) > 2


@pytest.mark.parametrize("module", modules())
def test_imports_go_down_or_left(module: str) -> None:
    wrong = [name for name in imports_of(module) if not is_allowed(module, name)]

    assert wrong == []


@pytest.mark.parametrize("module", [m for m in modules() if ".views" in m])
def test_views_never_import_views(module: str) -> None:
    wrong = [name for name in imports_of(module) if is_between_rooms_that_never_meet(module, name)]

    assert wrong == []


def test_no_module_is_a_drawer_for_odds_and_ends() -> None:
    names = {part for module in modules() for part in module.split(".")}

    assert names & FORBIDDEN_NAMES == set()


def test_engine_runs_where_django_cannot_be_imported() -> None:
    program = (
        "import sys; sys.modules['django'] = None; import coding.engine.code_session; "
        "print('portal' in sys.modules, 'payers' in sys.modules)"
    )

    outcome = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)

    assert (outcome.returncode, outcome.stdout.strip()) == (0, "False False")


def test_engine_uses_the_standard_library_only() -> None:
    imported = set()
    for path in (ROOT / "coding" / "engine").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                imported |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                imported.add(node.module.split(".")[0])

    assert imported - set(sys.stdlib_module_names) == {"coding"}
