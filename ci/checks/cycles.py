"""Headers that include each other in a circle."""

from checks.finding import Finding
from checks.include_lines import includes_of
from checks.law import Law
from checks.tree import CPP_SUFFIXES, Tree


def check(tree: Tree, law: Law) -> list[Finding]:
    """One finding a cycle, at the first of its files."""
    del law
    graph = {
        path: [i.target for i in includes_of(tree, path) if i.target and i.target != path]
        for path in tree.with_suffix(CPP_SUFFIXES)
    }
    findings = []
    finished: set[str] = set()
    for start in graph:
        for cycle in _cycles_from(start, graph, finished):
            path = " -> ".join([*cycle, cycle[0]])
            message = f"{path}; split what both need into a third file"
            findings.append(Finding(cycle[0], 1, "include-cycle", message))
    return findings


def _cycles_from(start: str, graph: dict[str, list[str]], finished: set[str]) -> list[list[str]]:
    """Depth first, without recursion: a stack of (file, its includes yet to be seen)."""
    if start in finished:
        return []
    found = []
    trail = [start]
    waiting = [iter(graph.get(start, []))]
    while trail:
        following = next(waiting[-1], None)
        if following is None:
            finished.add(trail.pop())
            waiting.pop()
        elif following in trail:
            found.append(trail[trail.index(following) :])
        elif following not in finished:
            trail.append(following)
            waiting.append(iter(graph.get(following, [])))
    return found
