"""The folders of a room: which may include which, and how many modules lie in each."""

from pathlib import PurePosixPath

from checks.finding import Finding
from checks.include_lines import includes_of
from checks.law import Law, Room
from checks.tree import CPP_SUFFIXES, Tree

LAYERS = "ci/layers.toml"
# As in python/rayx (checks/shelves.py): a reader sees that many at a glance.
MODULES_MAX = 11


def check(tree: Tree, law: Law) -> list[Finding]:
    """The law's own order, arrows between shelves, READMEs, folders that it does not name."""
    findings = []
    for room in law.rooms:
        findings += _order(room)
        findings += _folders(tree, room)
    for path in tree.with_suffix(CPP_SUFFIXES, "cpp/"):
        home = law.room_of(path)
        if home is not None and home.shelves:
            findings += _arrows(tree, home, path)
    return findings


def _order(room: Room) -> list[Finding]:
    """A shelf includes only those that stand above it in the file, so there can be no circle."""
    above: list[str] = []
    findings = []
    for shelf, includes in room.shelves.items():
        for other in includes:
            if other not in above:
                message = (
                    f"{room.name}: shelf '{shelf}' includes '{other}', which does not stand before "
                    "it; shelves include only those below them"
                )
                findings.append(Finding(LAYERS, 1, "shelf-law", message))
        above.append(shelf)
    return findings


def _folders(tree: Tree, room: Room) -> list[Finding]:
    modules: dict[str, set[str]] = {}
    for path in tree.with_suffix(CPP_SUFFIXES, f"{room.path}/"):
        shelf = room.shelf_of(path)
        if shelf is not None:
            modules.setdefault(shelf, set()).add(PurePosixPath(path).stem)
    findings = []
    for shelf in room.shelves:
        folder = f"{room.path}/{shelf}"
        if shelf not in modules:
            message = f"{room.name}: shelf '{shelf}' is empty; remove it"
            findings.append(Finding(LAYERS, 1, "shelf-law", message))
        elif len(modules[shelf]) > MODULES_MAX:
            message = (
                f"{len(modules[shelf])} modules; split them by noun into {MODULES_MAX} at most"
            )
            findings.append(Finding(folder, 1, "shelf-size", message))
        if shelf in modules and not tree.exists(f"{folder}/README.md"):
            findings.append(
                Finding(f"{folder}/README.md", 1, "readme", "missing; tell what the shelf is for")
            )
    return findings


def _arrows(tree: Tree, room: Room, path: str) -> list[Finding]:
    shelf = room.shelf_of(path)
    if shelf is None:
        if PurePosixPath(path).parent.as_posix() == room.path:
            return []
        message = f"this folder is no shelf of {room.name} in {LAYERS}; name it there"
        return [Finding(path, 1, "shelf-law", message)]
    findings = []
    for include in includes_of(tree, path):
        target = include.target or ""
        if not target.startswith(f"{room.path}/"):
            continue
        other = room.shelf_of(target)
        if other == shelf or other in room.shelves[shelf]:
            continue
        allowed = ", ".join(room.shelves[shelf]) or "no other shelf"
        message = (
            f"{room.name}/{shelf} may not include {target} (it may include {allowed}); "
            "move what both need to a shelf below"
        )
        findings.append(Finding(path, include.line, "shelf-law", message))
    return findings
