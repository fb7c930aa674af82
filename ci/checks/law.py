"""ci/layers.toml, as objects."""

import tomllib
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path


@dataclass(frozen=True)
class Room:
    """A folder of cpp/, and which other rooms it may include."""

    name: str
    path: str
    includes: tuple[str, ...]
    core: bool
    # Its folders, from the lowest up, and which others each may include. What lies in the room
    # itself may include all of them, and none of them may include that.
    shelves: dict[str, tuple[str, ...]] = field(default_factory=dict)
    # Built and tested before what will use it: its types need not be used yet.
    ahead: bool = False

    def shelf_of(self, path: str) -> str | None:
        """The shelf that a file of the room lies on, if it lies on one."""
        first, slash, _ = path.removeprefix(f"{self.path}/").partition("/")
        return first if slash and first in self.shelves else None


@dataclass(frozen=True)
class HeaderFamily:
    """Headers of a third party or the system, and the only files that may include them."""

    name: str
    match: tuple[str, ...]
    only: tuple[str, ...]
    why: str


@dataclass(frozen=True)
class Fence:
    """A mechanism, by the words for it, and the only files of cpp/ that may speak of it."""

    name: str
    words: str
    only: tuple[str, ...]
    why: str


@dataclass(frozen=True)
class Shelf:
    """A folder of python/rayx, or some modules of it, and which other shelves they may import."""

    name: str
    paths: tuple[str, ...]
    imports: tuple[str, ...]
    #: Imported by users under its own name, so that its __init__.py may import.
    public: bool
    #: Its modules come together anyway, so that its __init__.py may import them.
    whole: bool = False


@dataclass(frozen=True)
class Law:
    """All that ci/layers.toml says."""

    rooms: tuple[Room, ...]
    families: tuple[HeaderFamily, ...]
    fences: tuple[Fence, ...]
    shelves: tuple[Shelf, ...]
    raylet_includes: tuple[str, ...]
    allowed: dict[str, tuple[str, ...]]
    untested: dict[str, str]
    tests_without_source: dict[str, str]
    python_tests: dict[str, str]
    python_entry_points: dict[str, str]

    @classmethod
    def read(cls, path: Path) -> "Law":
        """Reads the file; a missing section is an empty one."""
        data = tomllib.loads(path.read_text())
        return cls(
            rooms=tuple(
                Room(
                    name,
                    room["path"],
                    tuple(room["includes"]),
                    room.get("core", False),
                    {shelf: tuple(others) for shelf, others in room.get("shelves", {}).items()},
                    room.get("ahead", False),
                )
                for name, room in data.get("rooms", {}).items()
            ),
            families=tuple(
                HeaderFamily(name, tuple(f["match"]), tuple(f["only"]), f["why"])
                for name, f in data.get("headers", {}).items()
            ),
            fences=tuple(
                Fence(name, f["words"], tuple(f["only"]), f["why"])
                for name, f in data.get("fences", {}).items()
            ),
            shelves=tuple(
                Shelf(
                    name,
                    tuple(one["paths"]),
                    tuple(one["imports"]),
                    one.get("public", False),
                    one.get("whole", False),
                )
                for name, one in data.get("shelves", {}).items()
            ),
            raylet_includes=tuple(data.get("raylet", {}).get("includes", [])),
            allowed={key: tuple(value) for key, value in data.get("allowed", {}).items()},
            untested=data.get("untested", {}),
            tests_without_source=data.get("tests_without_source", {}),
            python_tests=data.get("python_tests", {}),
            python_entry_points=data.get("python_entry_points", {}),
        )

    def room_of(self, path: str) -> Room | None:
        """The room a file of cpp/ lies in: the one with the longest path above it."""
        above = [room for room in self.rooms if path.startswith(room.path + "/")]
        return max(above, key=lambda room: len(room.path), default=None)

    def shelf_of(self, path: str) -> Shelf | None:
        """The shelf of a module of python/rayx: a path of the file itself, or the folder above."""
        return next(
            (
                shelf
                for shelf in self.shelves
                if any(path == one or path.startswith(one + "/") for one in shelf.paths)
            ),
            None,
        )

    def is_allowed(self, construct: str, path: str) -> bool:
        """Whether a construct is at home in a file."""
        return matches(path, self.allowed.get(construct, ()))


def matches(path: str, patterns: tuple[str, ...]) -> bool:
    """Whether any of the patterns matches; `*` matches slashes too."""
    return any(fnmatchcase(path, pattern) for pattern in patterns)
