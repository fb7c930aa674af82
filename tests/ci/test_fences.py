"""What only a few files speak of."""

import re

import pytest
from checks import fences
from checks.law import Law

LAW = """
[fences.leases]
words = '(?<![Rr]e)[Ll]ease'
only = ["cpp/scheduler/lease.h", "cpp/daemon/lease_service.*"]
why = "others ask whether a worker is schedulable"
"""

INSIDE = {
    "cpp/scheduler/lease.h": "// A worker lease.\n",
    "cpp/daemon/lease_service.h": "class LeaseService;\n",
}


@pytest.fixture
def small_law(tmp_path) -> Law:
    file = tmp_path / "law.toml"
    file.write_text(LAW)
    return Law.read(file)


def test_those_inside_may_speak_of_it(tree_of, small_law):
    others = {"cpp/client/link.h": "void Release();  // releases it\n", "tests/x.cc": "lease\n"}
    assert fences.check(tree_of(INSIDE | others), small_law) == []


@pytest.mark.parametrize(
    "planted", ["int leases;", "// unless it is leased", "void OnLeaseOpened();"]
)
def test_a_word_outside_is_found(tree_of, small_law, planted):
    tree = tree_of(INSIDE | {"cpp/plasma/store.h": f"#pragma once\n{planted}\n"})
    [finding] = fences.check(tree, small_law)
    assert (finding.path, finding.line, finding.rule) == ("cpp/plasma/store.h", 2, "fence")
    assert finding.message.endswith("others ask whether a worker is schedulable")


def test_a_gate_that_nobody_needs_is_closed(tree_of, small_law):
    tree = tree_of({"cpp/scheduler/lease.h": "// A worker lease.\n"})
    [finding] = fences.check(tree, small_law)
    assert "cpp/daemon/lease_service.* does not need to be there" in finding.message


def test_few_files_speak_of_leases(law):
    """A file more is a decision: first ask whether it needs to know."""
    [leases] = [fence for fence in law.fences if fence.name == "leases"]
    assert len(leases.only) <= 15
    assert not any("*" in path for path in leases.only)
    for word in ("worker lease", "LeaseState", "IsDirect(", "DirectChannel", "direct line"):
        assert re.search(leases.words, word)
    for word in ("Release", "directory", "directly"):
        assert not re.search(leases.words, word)
