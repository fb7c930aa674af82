"""Modules that include each other in a circle; a header and the source of its name are one."""

from checks.finding import Finding
from checks.include_lines import includes_of
from checks.law import Law
from checks.tree import CPP_SUFFIXES, Tree

# One arrow: a file, the line of its include, and the file that it includes.
Arrow = tuple[str, int, str]


def check(tree: Tree, law: Law) -> list[Finding]:
    """One finding a cycle, at the include that begins it."""
    del law
    arrows = _arrows_of(tree)
    graph = {module: list(others) for module, others in arrows.items()}
    findings = []
    for cycle in cycles_of(graph):
        path = [arrows[a][b] for a, b in zip(cycle, [*cycle[1:], cycle[0]], strict=True)]
        told = ", ".join(f"{source} includes {included}" for source, _, included in path)
        message = f"{told}; split what they share into a module of its own"
        findings.append(Finding(path[0][0], path[0][1], "include-cycle", message))
    return findings


def cycles_of(graph: dict[str, list[str]]) -> list[list[str]]:
    """The circles of a graph. Of those that share a node, one at least."""
    finished: set[str] = set()
    return [cycle for start in graph for cycle in _cycles_from(start, graph, finished)]


def _arrows_of(tree: Tree) -> dict[str, dict[str, Arrow]]:
    """For each module the other modules that it includes, each with the first such include."""
    arrows: dict[str, dict[str, Arrow]] = {}
    for path in tree.with_suffix(CPP_SUFFIXES):
        module = _module_of(path)
        included = arrows.setdefault(module, {})
        for include in includes_of(tree, path):
            if include.target and (other := _module_of(include.target)) != module:
                included.setdefault(other, (path, include.line, include.target))
    return arrows


def _module_of(path: str) -> str:
    return path.rpartition(".")[0]


def _cycles_from(start: str, graph: dict[str, list[str]], finished: set[str]) -> list[list[str]]:
    """Depth first, without recursion: a stack of (module, its includes yet to be seen)."""
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
