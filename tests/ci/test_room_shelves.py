"""The folders of a room, and the arrows between them."""

import pytest
from checks import room_shelves
from checks.law import Law, Room

LAW = """
[rooms.base]
path = "cpp/common/base"
includes = []

[rooms.client]
path = "cpp/client"
includes = ["base"]

[rooms.client.shelves]
values = []
link = ["values"]
tasks = ["values", "link"]
"""

GOOD = {
    "cpp/client/README.md": "",
    "cpp/client/client.h": '#include "client/tasks/submit.h"\n',
    "cpp/client/values/README.md": "",
    "cpp/client/values/view.h": '#include "common/base/ids.h"\n',
    "cpp/client/link/README.md": "",
    "cpp/client/link/link.h": '#include "client/values/view.h"\n',
    "cpp/client/link/link.cc": '#include "client/link/link.h"\n',
    "cpp/client/tasks/README.md": "",
    "cpp/client/tasks/submit.h": '#include "client/link/link.h"\n',
    "cpp/common/base/ids.h": "",
}


@pytest.fixture
def small_law(tmp_path) -> Law:
    file = tmp_path / "law.toml"
    file.write_text(LAW)
    return Law.read(file)


def test_arrows_that_run_down_are_fine(tree_of, small_law):
    assert room_shelves.check(tree_of(GOOD), small_law) == []


@pytest.mark.parametrize(
    ("path", "included"),
    [
        ("cpp/client/values/view.h", "client/link/link.h"),
        ("cpp/client/link/link.cc", "client/tasks/submit.h"),
        ("cpp/client/link/link.h", "client/client.h"),
    ],
)
def test_an_arrow_that_runs_up_is_found(tree_of, small_law, path, included):
    tree = tree_of({**GOOD, path: f'\n#include "{included}"\n'})
    (finding,) = room_shelves.check(tree, small_law)
    assert (finding.path, finding.line, finding.rule) == (path, 2, "shelf-law")
    assert f"cpp/{included}" in finding.message


def test_a_folder_that_the_law_does_not_name_is_found(tree_of, small_law):
    tree = tree_of({**GOOD, "cpp/client/odds/ends.h": ""})
    (finding,) = room_shelves.check(tree, small_law)
    assert (finding.path, finding.rule) == ("cpp/client/odds/ends.h", "shelf-law")


def test_a_shelf_tells_what_it_is_for(tree_of, small_law):
    files = {path: text for path, text in GOOD.items() if path != "cpp/client/link/README.md"}
    (finding,) = room_shelves.check(tree_of(files), small_law)
    assert (finding.path, finding.rule) == ("cpp/client/link/README.md", "readme")


def test_a_shelf_of_the_law_holds_something(tree_of, small_law):
    files = {path: text for path, text in GOOD.items() if "/tasks/" not in path}
    files["cpp/client/client.h"] = ""
    (finding,) = room_shelves.check(tree_of(files), small_law)
    assert "'tasks' is empty" in finding.message


def test_a_crowded_shelf_is_found(tree_of, small_law):
    """A header and its source count once."""
    room_for = room_shelves.MODULES_MAX - 1
    modules = {f"cpp/client/link/m{i}{end}": "" for i in range(room_for) for end in (".h", ".cc")}
    assert room_shelves.check(tree_of({**GOOD, **modules}), small_law) == []
    (finding,) = room_shelves.check(tree_of({"cpp/client/link/one_more.h": ""}), small_law)
    assert (finding.path, finding.rule) == ("cpp/client/link", "shelf-size")


def test_the_law_itself_knows_no_circle_of_shelves(tree_of):
    room = Room("client", "cpp/client", (), False, {"values": ("link",), "link": ("values",)})
    law = Law((room,), (), (), (), (), {}, {}, {}, {}, {})
    assert "'values' includes 'link'" in room_shelves.check(tree_of({}), law)[0].message
