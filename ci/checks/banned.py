"""Constructs that are not used here, and names that say nothing."""

import re
from dataclasses import dataclass
from pathlib import PurePosixPath

from checks.finding import Finding
from checks.law import Law, Room
from checks.text import line_of
from checks.tree import CPP_SUFFIXES, PYTHON_SUFFIXES, Tree


@dataclass(frozen=True)
class Ban:
    """A pattern that code of some kind may not contain."""

    rule: str
    pattern: re.Pattern[str]
    advice: str
    allowed_as: str = ""  # the key in [allowed] of ci/layers.toml


_ANY_CPP = [
    Ban("using-namespace", re.compile(r"\busing\s+namespace\b"), "name what you use"),
    Ban(
        "new",
        re.compile(
            r"(?<!operator )\bnew\b\s*[\w:(]|(?<![=\w])\s*\bdelete\b\s*(?:\[\s*\]\s*)?[\w*(]"
        ),
        "own it by value or std::make_unique",
    ),
    Ban(
        "void-pointer",
        re.compile(r"\bvoid\s*(?:const\s*)?\*"),
        "give it its type, or std::byte and a size",
        "void_pointer",
    ),
    Ban("capture-all", re.compile(r"\[=\s*[\],]"), "name what the lambda keeps"),
    Ban(
        "thread",
        re.compile(r"\bstd::(?:j?thread\b(?!::)|async\b)|\bpthread_create\b"),
        "one thread, one loop; what must block goes to a helper thread in a file named *_thread",
        "thread",
    ),
]
_CORES = [
    Ban(
        "core-clock",
        re.compile(
            r"_clock::now\b|(?<![\w.>])(?:std::)?time\s*\(|\b(?:clock_gettime|gettimeofday)\b"
        ),
        "a core is handed `now` with the event",
    ),
    Ban(
        "core-random",
        re.compile(r"(?<![\w.>])s?rand\s*\(|\bstd::random_device\b"),
        "a core is handed its randomness through the constructor",
    ),
]
_SLEEP = Ban(
    "sleep",
    re.compile(r"(?<!\w)u?sleep\s*\(|\bsleep_(?:for|until)\s*\("),
    "wait for what you expect; a task's own work ends its line with the comment `task work`",
    "sleep",
)
# Of what is installed. Whatever it says may be wrong by an hour, and by another one a moment later.
_WALL_CLOCK_ADVICE = (
    "it may be set at any moment: decide by the monotonic clock; who tells people the time is in "
    "`wall_clock` of ci/layers.toml"
)
_WALL_CLOCK_CPP = Ban(
    "wall-clock",
    re.compile(r"\bsystem_clock\b|\bCLOCK_REALTIME\w*|\bgettimeofday\b|\bWallSeconds\b"),
    _WALL_CLOCK_ADVICE,
    "wall_clock",
)
_WALL_CLOCK_PYTHON = Ban(
    "wall-clock",
    re.compile(
        r"\btime\.(?:time|time_ns|ctime|gmtime|localtime|strftime)\b|\bCLOCK_REALTIME\b|"
        r"\bdatetime\.(?:now|utcnow|today)\b"
    ),
    _WALL_CLOCK_ADVICE,
    "wall_clock",
)
# Looked for in comments and strings too; split, so that this file does not contain them.
_ANYWHERE = [
    Ban(
        "killall",
        re.compile(r"\bp" + r"kill\b|\bkill" + r"all\b"),
        "end only what you started, by pid",
    ),
    Ban("fixme", re.compile(r"\bFIX" + r"ME\b|\bX" + r"XX\b"), "mend it, or file an issue"),
]
_EMPTY_NAME = re.compile(r"util|helper|common|misc")


def check(tree: Tree, law: Law) -> list[Finding]:
    """All bans over all sources."""
    findings = []
    for path in tree.sources:
        for ban in _bans_for(path, law.room_of(path)):
            if ban.allowed_as and law.is_allowed(ban.allowed_as, path):
                continue
            source = tree.text(path) if ban in _ANYWHERE else tree.code(path)
            findings += _search(tree, path, source, ban)
        if _EMPTY_NAME.search(PurePosixPath(path).stem.lower()):
            message = "a name that says nothing; name the file for the noun it holds"
            findings.append(Finding(path, 1, "file-name", message))
    return findings + _redis_names(tree)


def _bans_for(path: str, room: Room | None) -> list[Ban]:
    bans = []
    if not path.startswith(("ci/", "tests/ci/")):
        bans += _ANYWHERE
    if path.endswith(CPP_SUFFIXES):
        bans += _ANY_CPP
        if path.startswith("cpp/"):
            bans.append(_WALL_CLOCK_CPP)
        if room is not None and room.core:
            bans += _CORES
    elif path.startswith("python/"):
        bans.append(_WALL_CLOCK_PYTHON)
    if path.startswith("tests/") and path.endswith(CPP_SUFFIXES + PYTHON_SUFFIXES):
        bans.append(_SLEEP)
    return bans


def _search(tree: Tree, path: str, source: str, ban: Ban) -> list[Finding]:
    findings = []
    for match in ban.pattern.finditer(source):
        offset = match.end() - len(match.group(0).lstrip())
        line = line_of(source, offset)
        if tree.is_allowed_at(path, line, ban.rule):
            continue
        if ban is _SLEEP and re.search(
            r"(?://|#)\s*task work\s*$", tree.text(path).splitlines()[line - 1]
        ):
            continue
        found = match.group(0).strip()
        findings.append(Finding(path, line, ban.rule, f"`{found}` is not used here; {ban.advice}"))
    return findings


def _redis_names(tree: Tree) -> list[Finding]:
    """Keys and channels (literals with a colon) of control/schema.h, written out elsewhere."""
    schema = "cpp/control/schema.h"
    names = {name for name in re.findall(r'"([^"\n]+)"', tree.text(schema)) if ":" in name}
    names = {name for name in names if not name.endswith((".h", ".fbs"))}
    findings = []
    for path in tree.with_suffix(CPP_SUFFIXES + PYTHON_SUFFIXES + (".pyx",)):
        if path == schema or path.startswith("tests/"):
            continue
        source = tree.text(path)
        for name in names:
            for match in re.finditer(rf'(["\']){re.escape(name)}', source):
                message = f"Redis name '{name}' belongs to {schema}; use its constant"
                findings.append(
                    Finding(path, line_of(source, match.start()), "redis-name", message)
                )
    return findings
