"""Each rule of ci/tidy.py, on a tiny tree that breaks it and on one that does not."""

import os
import shutil

import pytest
from checks import banned, build_lists, cycles, headers, includes, mirrors, schemas, text, tools
from checks.finding import Finding
from checks.law import Law

# Markers that may not stand in any file, this one included.
END_BY_NAME = "p" + "kill"
MEND_ME = "FIX" + "ME"


def rules_of(findings: list[Finding]) -> list[tuple[str, str]]:
    return sorted({(finding.rule, finding.path) for finding in findings})


# ---- include law ---------------------------------------------------------------------------------


def test_a_room_includes_what_the_law_allows(tree_of, law):
    tree = tree_of(
        {
            "cpp/common/base/ids.h": "",
            "cpp/plasma/store.h": '#include <vector>\n#include "common/base/ids.h"\n',
            "cpp/plasma/store.cc": '#include "plasma/store.h"\n'
            '#include "common/protocol/generated/task_generated.h"\n',
        }
    )
    assert includes.check(tree, law) == []


@pytest.mark.parametrize(
    ("path", "other"),
    [
        ("cpp/common/base/ids.h", "common/protocol/x.h"),
        ("cpp/common/io/loop.h", "common/protocol/x.h"),
        ("cpp/plasma/store.cc", "scheduler/x.h"),
        ("cpp/plasma/store.cc", "common/io/x.h"),
        ("cpp/scheduler/local.cc", "plasma/x.h"),
        ("cpp/scheduler/local.cc", "control/x.h"),
        ("cpp/client/client.cc", "daemon/x.h"),
        ("cpp/daemon/node.cc", "client/x.h"),
        ("cpp/rayx_node_main.cc", "plasma/x.h"),
        ("cpp/common/base/ids.h", "common/protocol/generated/task_generated.h"),
    ],
)
def test_a_wrong_arrow_is_found(tree_of, law, path, other):
    tree = tree_of({path: f'#include "{other}"\n', f"cpp/{other}": ""})
    assert ("include-law", path) in rules_of(includes.check(tree, law))


def test_an_include_that_is_no_file_is_found(tree_of, law):
    tree = tree_of({"cpp/plasma/store.cc": '#include "store.h"\n', "cpp/plasma/store.h": ""})
    (finding,) = includes.check(tree, law)
    assert (finding.line, finding.rule) == (1, "include-law")


def test_an_include_in_a_comment_is_none(tree_of, law):
    tree = tree_of({"cpp/plasma/store.cc": '// #include "control/tables.h"\n'})
    assert includes.check(tree, law) == []


@pytest.mark.parametrize(
    ("header", "at_home", "abroad"),
    [
        ("asio.hpp", "cpp/common/io/loop.h", "cpp/plasma/store.h"),
        ("hiredis/hiredis.h", "cpp/control/redis_link.cc", "cpp/control/memory_tables.cc"),
        ("sys/socket.h", "cpp/common/io/socket.cc", "cpp/daemon/node.cc"),
        ("netinet/in.h", "cpp/common/io/socket.cc", "cpp/client/client.cc"),
        ("flatbuffers/flatbuffers.h", "cpp/common/protocol/frame.cc", "cpp/scheduler/local.cc"),
        ("gtest/gtest.h", "tests/cpp/base/ids_test.cc", "cpp/common/base/ids.h"),
    ],
)
def test_headers_of_others_have_a_home(tree_of, law, header, at_home, abroad):
    line = f"#include <{header}>\n"
    tree = tree_of({at_home: line, abroad: line})
    assert rules_of(includes.check(tree, law)) == [("include-law", abroad)]


def test_the_doorway_sees_the_client_only(tree_of, law):
    good = 'cdef extern from "client/client.h":\n    pass\ncdef extern from "<memory>":\n    pass\n'
    bad = 'cdef extern from "daemon/node.h":\n    pass\n'
    tree = tree_of({"python/rayx/_raylet/ids.pyx": good, "python/rayx/_raylet/cpp/node.pxd": bad})
    assert rules_of(includes.check(tree, law)) == [
        ("include-law", "python/rayx/_raylet/cpp/node.pxd")
    ]


def test_cycles(tree_of, law):
    tree = tree_of(
        {
            "cpp/plasma/a.h": '#include "plasma/b.h"\n',
            "cpp/plasma/b.h": '#include "plasma/c.h"\n',
            "cpp/plasma/c.h": '#include "plasma/a.h"\n',
            "cpp/plasma/d.h": '#include "plasma/a.h"\n',
        }
    )
    (finding,) = cycles.check(tree, law)
    assert (finding.path, finding.line, finding.rule) == ("cpp/plasma/a.h", 1, "include-cycle")
    assert "b.h includes cpp/plasma/c.h, cpp/plasma/c.h includes cpp/plasma/a.h" in finding.message


def test_a_cycle_through_a_source_is_found(tree_of, law):
    """No header includes itself here, but neither module can do without the other."""
    tree = tree_of(
        {
            "cpp/plasma/a.h": "",
            "cpp/plasma/a.cc": '#include "plasma/a.h"\n#include "plasma/b.h"\n',
            "cpp/plasma/b.h": '#include "plasma/a.h"\n',
            "cpp/plasma/c.cc": '#include "plasma/b.h"\n',
        }
    )
    (finding,) = cycles.check(tree, law)
    assert (finding.path, finding.line) == ("cpp/plasma/a.cc", 2)
    assert "cpp/plasma/b.h includes cpp/plasma/a.h" in finding.message


def test_a_source_and_its_header_are_no_cycle(tree_of, law):
    tree = tree_of(
        {
            "cpp/plasma/a.h": "",
            "cpp/plasma/a.cc": '#include "plasma/a.h"\n',
            "cpp/plasma/b.cc": '#include "plasma/a.h"\n',
        }
    )
    assert cycles.check(tree, law) == []


def test_a_diamond_is_no_cycle(tree_of, law):
    tree = tree_of(
        {
            "cpp/plasma/a.h": '#include "plasma/b.h"\n#include "plasma/c.h"\n',
            "cpp/plasma/b.h": '#include "plasma/d.h"\n',
            "cpp/plasma/c.h": '#include "plasma/d.h"\n',
            "cpp/plasma/d.h": "",
        }
    )
    assert cycles.check(tree, law) == []


# ---- headers compile alone -----------------------------------------------------------------------


@pytest.mark.skipif(shutil.which("g++") is None, reason="needs g++")
def test_headers_compile_alone(tree_of, law):
    good = "#pragma once\n#include <string>\nstd::string Name();\n"
    tree = tree_of(
        {"cpp/plasma/good.h": good, "cpp/plasma/bad.h": "#pragma once\nstd::string Name();\n"}
    )
    assert rules_of(headers.check(tree, law)) == [("header-alone", "cpp/plasma/bad.h")]
    assert len(list((tree.root / "build/cache/headers").iterdir())) == 1


@pytest.mark.skipif(shutil.which("g++") is None, reason="needs g++")
def test_headers_are_compiled_again_when_what_they_include_changes(tree_of, law):
    user = '#pragma once\n#include "plasma/name.h"\ninline Name Twice(Name name) { return name + name; }\n'
    tree = tree_of(
        {"cpp/plasma/user.h": user, "cpp/plasma/name.h": "#pragma once\nusing Name = int;\n"}
    )
    assert headers.check(tree, law) == []
    changed = tree_of({"cpp/plasma/name.h": "#pragma once\nusing Number = int;\n"})
    assert rules_of(headers.check(changed, law)) == [("header-alone", "cpp/plasma/user.h")]


@pytest.mark.skipif(shutil.which("g++") is None, reason="needs g++")
def test_headers_are_compiled_against_what_was_generated_last(tree_of, law):
    generated = "generated/common/protocol/generated/task_generated.h"
    user = (
        "#pragma once\n"
        '#include "common/protocol/generated/task_generated.h"\n'
        "inline Window Of() { return 1; }\n"
    )
    tree = tree_of({"cpp/common/protocol/user.h": user})
    for age_s, (build, word) in enumerate([("new", "Window"), ("old", "Task")]):
        header = tree.root / "build" / build / generated
        header.parent.mkdir(parents=True)
        header.write_text(f"#pragma once\nusing {word} = int;\n")
        os.utime(header, (1e9 - age_s, 1e9 - age_s))
    assert headers.check(tree, law) == []


# ---- banned constructs ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "path", "line"),
    [
        ("using-namespace", "cpp/client/a.cc", "using namespace std;"),
        ("new", "cpp/client/a.cc", "auto* a = new Thing(1);"),
        ("new", "cpp/client/a.cc", "auto* a = new int[3];"),
        ("new", "cpp/client/a.cc", "delete thing;"),
        ("new", "cpp/client/a.cc", "delete[] things;"),
        ("void-pointer", "cpp/plasma/a.h", "void Take(void* data);"),
        ("void-pointer", "cpp/plasma/a.h", "void Take(const void *data);"),
        ("capture-all", "cpp/daemon/a.cc", "auto f = [=] { return 1; };"),
        ("capture-all", "cpp/daemon/a.cc", "auto f = [=, &b] { return 1; };"),
        ("thread", "cpp/daemon/a.cc", "std::thread worker(Run);"),
        ("thread", "cpp/daemon/a.cc", "auto f = std::async(Run);"),
        ("core-clock", "cpp/plasma/a.cc", "auto now = std::chrono::steady_clock::now();"),
        ("core-clock", "cpp/scheduler/a.cc", "auto now = time(nullptr);"),
        ("core-random", "cpp/scheduler/a.cc", "int pick = rand() % 3;"),
        ("core-random", "cpp/scheduler/a.cc", "std::random_device seed;"),
        ("wall-clock", "cpp/client/a.cc", "auto now = std::chrono::system_clock::now();"),
        ("wall-clock", "cpp/daemon/a.cc", "double now = WallSeconds();"),
        ("wall-clock", "cpp/common/os/a.cc", "clock_gettime(CLOCK_REALTIME, &now);"),
        ("wall-clock", "python/rayx/a.py", "deadline = time.time() + 1"),
        ("wall-clock", "python/rayx/a.py", "began = datetime.datetime.now()"),
        ("sleep", "tests/e2e/test_a.py", "time.sleep(1)"),
        ("sleep", "tests/cpp/base/a_test.cc", "std::this_thread::sleep_for(1s);"),
        ("killall", "python/rayx/a.py", f"run(['{END_BY_NAME}', 'x'])"),
        ("fixme", "cpp/client/a.cc", f"// {MEND_ME}: later"),
        ("file-name", "cpp/client/string_utils.cc", ""),
        ("file-name", "tests/python/test_helpers.py", ""),
    ],
)
def test_banned(tree_of, law, rule, path, line):
    assert rules_of(banned.check(tree_of({path: f"{line}\n"}), law)) == [(rule, path)]


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("cpp/client/a.cc", "// using namespace std; new Thing(); void* x; [=] {}"),
        ("cpp/client/a.cc", 'Log("new Thing, delete it");'),
        ("cpp/client/a.h", "Thing(const Thing&) = delete;"),
        ("cpp/client/a.h", "int new_count = renew(1); int deleted = undelete(2);"),
        ("cpp/client/a.cc", "// allow(new): its constructor is private\nauto* a = new Thing(1);"),
        ("cpp/client/a.cc", "values[i] = 3; auto f = [&values, i] { return values[i]; };"),
        (
            "cpp/control/redis_link.cc",
            "void OnReply(redisAsyncContext* link, void* reply, void* self);",
        ),
        ("cpp/common/shm/shared_memory.cc", "void* base = mmap(nullptr, 1, 2, 3, 4, 5);"),
        ("cpp/daemon/spill_thread.cc", "std::thread thread_;"),
        ("cpp/daemon/a.cc", "CHECK(std::this_thread::get_id() == id_);"),
        ("cpp/daemon/clock.cc", "return std::chrono::steady_clock::now();"),
        ("cpp/scheduler/a.cc", "task.time(3); auto t = start_time(4); entry->time (5); grand(6);"),
        ("tests/e2e/test_a.py", "time.sleep(1)  # task work"),
        ("tests/e2e/test_a.py", '"""Nobody calls sleep() here."""'),
        ("tests/cpp/base/a_test.cc", "usleep(10);  // task work"),
        ("python/rayx/a.py", "time.sleep(backoff)"),
        ("cpp/client/a.cc", 'mkstemp("/tmp/rayx-X' + 'XXXXX");'),
    ],
)
def test_not_banned(tree_of, law, path, line):
    assert banned.check(tree_of({path: f"{line}\n"}), law) == []


def test_an_allowance_needs_a_reason_and_the_right_rule(tree_of, law):
    lines = [
        "// allow(new):",
        "auto* a = new Thing(1);",
        "",
        "// allow(thread): x",
        "auto* b = new Thing(2);",
    ]
    found = banned.check(tree_of({"cpp/client/a.cc": "\n".join(lines)}), law)
    assert [(finding.rule, finding.line) for finding in found] == [("new", 2), ("new", 5)]


def test_redis_names_stand_in_the_schema_only(tree_of, law):
    tree = tree_of(
        {
            "cpp/control/schema.h": 'constexpr char kTask[] = "task:";\nconstexpr char kState[] = "state";\n',
            "cpp/control/good.cc": 'Log("a task: done, state");\n',
            "cpp/control/bad.cc": '\nSet("task:" + id);\n',
            "python/rayx/bad.py": "get('task:' + name)\n",
        }
    )
    found = rules_of(banned.check(tree, law))
    assert found == [("redis-name", "cpp/control/bad.cc"), ("redis-name", "python/rayx/bad.py")]


# ---- lists, mirrors, READMEs ---------------------------------------------------------------------


def test_every_source_is_in_its_build_list(tree_of, law):
    tree = tree_of(
        {
            "CMakeLists.txt": "rayx_daemon(rayx-node SOURCES cpp/rayx_node_main.cc)\n",
            "cmake/rayx.cmake": 'rayx_program("${PROJECT_SOURCE_DIR}/tests/fuzz/replay_main.cc")\n',
            "cpp/rayx_node_main.cc": "",
            "cpp/rayx_other_main.cc": "",
            "cpp/plasma/CMakeLists.txt": "rayx_library(plasma SOURCES object_store.cc # arena.cc\n)\n",
            "cpp/plasma/object_store.cc": "",
            "cpp/plasma/store.cc": "",
            "cpp/plasma/arena.cc": "",
            "cpp/plasma/task.fbs": "",
            "tests/fuzz/CMakeLists.txt": "",
            "tests/fuzz/replay_main.cc": "",
        }
    )
    assert [path for _, path in rules_of(build_lists.check(tree, law))] == [
        "cpp/plasma/arena.cc",
        "cpp/plasma/store.cc",
        "cpp/plasma/task.fbs",
        "cpp/rayx_other_main.cc",
    ]


def mirrored_tree() -> dict[str, str]:
    return {
        "cpp/README.md": "",
        "cpp/rayx_node_main.cc": "",
        "cpp/common/base/README.md": "",
        "cpp/common/base/ids.cc": "",
        "cpp/common/base/limits.h": "",
        "tests/cpp/base/ids_test.cc": "",
        "tests/cpp/base/limits_test.cc": "",
        "tests/cpp/testing/recorder_test.cc": "",
        "python/rayx/__init__.py": "from rayx.api import get\nfrom rayx.calls import (\n    actor,\n    batch,\n)\n",
        "python/rayx/api.py": 'MAIN = ["-m", "rayx.worker.main"]\n',
        "python/rayx/calls/actor.py": "",
        "python/rayx/calls/batch.py": "",
        "python/rayx/worker/main.py": "",
        "tests/python/test_api.py": "",
        "tests/python/calls/test_actor.py": "",
        "tests/python/calls/test_batch.py": "",
        "tests/python/worker/test_main.py": "",
    }


def test_mirrors(tree_of, law):
    own_law = law_with(law, untested={"cpp/*_main.cc": "e2e"})
    assert mirrors.check(tree_of(mirrored_tree()), own_law) == []


def law_with(law: Law, **changes: dict[str, str]) -> Law:
    """The rooms of the law with other lists of exceptions."""
    empty = {
        "untested": {},
        "tests_without_source": {},
        "python_tests": {},
        "python_entry_points": {},
    }
    return Law(**{**law.__dict__, **empty, **changes})


@pytest.mark.parametrize(
    ("removed", "found"),
    [
        ("tests/cpp/base/ids_test.cc", ("mirrored-test", "cpp/common/base/ids.cc")),
        ("cpp/common/base/limits.h", ("mirrored-test", "tests/cpp/base/limits_test.cc")),
        ("tests/python/calls/test_actor.py", ("mirrored-test", "python/rayx/calls/actor.py")),
        ("cpp/common/base/README.md", ("readme", "cpp/common/base/README.md")),
        ("cpp/rayx_node_main.cc", ("stale-exception", "ci/layers.toml")),
    ],
)
def test_a_broken_mirror(tree_of, law, removed, found):
    files = mirrored_tree()
    del files[removed]
    own_law = law_with(law, untested={"cpp/*_main.cc": "e2e"})
    assert rules_of(mirrors.check(tree_of(files), own_law)) == [found]


def test_exceptions_to_the_mirror(tree_of, law):
    files = mirrored_tree()
    del files["tests/python/calls/test_actor.py"], files["cpp/common/base/limits.h"]
    files["tests/e2e/test_actors.py"] = ""
    own_law = law_with(
        law,
        untested={"cpp/*_main.cc": "e2e"},
        tests_without_source={"tests/cpp/base/limits_test.cc": "of generated code"},
        python_tests={"calls.actor": "tests/e2e/test_actors.py"},
    )
    assert mirrors.check(tree_of(files), own_law) == []
    wrong = law_with(
        law, **{**own_law.__dict__, "python_tests": {"calls.actor": "tests/e2e/test_gone.py"}}
    )
    assert rules_of(mirrors.check(tree_of(files), wrong)) == [
        ("mirrored-test", "python/rayx/calls/actor.py")
    ]


def test_a_module_nobody_imports(tree_of, law):
    files = mirrored_tree() | {
        "python/rayx/lonely.py": "import rayx.lonely\n",
        "tests/python/test_lonely.py": "import rayx.lonely\n",
    }
    own_law = law_with(law, untested={"cpp/*_main.cc": "e2e"})
    assert rules_of(mirrors.check(tree_of(files), own_law)) == [
        ("never-imported", "python/rayx/lonely.py")
    ]
    entry = law_with(law, **{**own_law.__dict__, "python_entry_points": {"lonely": "run by hand"}})
    assert mirrors.check(tree_of(files), entry) == []


def test_tables_have_a_comment(tree_of, law):
    schema = "// From driver to node.\ntable Good { a:int; }\n\n// Not directly above.\n\ntable Bad {\n}\n"
    (finding,) = schemas.check(tree_of({"cpp/common/protocol/task.fbs": schema}), law)
    assert (finding.line, finding.rule) == (6, "schema-comment")


def test_tables_of_one_namespace_have_names_of_their_own(tree_of, law):
    schema = "namespace rayx.protocol;\n// Said.\ntable Register { a:int; }\n"
    paths = [f"cpp/common/protocol/{name}.fbs" for name in ("nodes", "remote", "scheduling")]
    others = schema.replace("protocol", "protocol.remote")
    tree = tree_of(dict(zip(paths, [schema, others, schema], strict=True)))
    (finding,) = schemas.check(tree, law)
    assert (finding.path, finding.line, finding.rule) == (paths[2], 3, "schema-name")
    assert paths[0] in finding.message


def test_schemas_have_lines_of_100_columns(tree_of, law):
    schema = f"// {'a' * 97}\n// {'a' * 98}\ntable Good {{ a:int; }}\n"
    (finding,) = schemas.check(tree_of({"cpp/common/protocol/task.fbs": schema}), law)
    assert (finding.line, finding.rule) == (2, "columns")


# ---- others' tools, and the texts ----------------------------------------------------------------


def test_formatting(tree_of, law, capsys):
    files = {".clang-format": "BasedOnStyle: Google\n", "cpp/plasma/a.h": "int  a ;\n"}
    assert ("clang-format", "cpp/plasma/a.h") in rules_of(tools.check(tree_of(files), law))
    files["cpp/plasma/a.h"] = "int a;\n"
    found = rules_of(tools.check(tree_of(files), law))
    assert ("clang-format", "cpp/plasma/a.h") not in found


def test_a_tool_that_is_missing_is_told(tree_of, law, monkeypatch, capsys):
    monkeypatch.setattr(tools, "_find", lambda name: None)
    assert tools.check(tree_of({"cpp/plasma/a.h": ""}), law) == []
    assert "clang-format is not installed, skipped" in capsys.readouterr().out


def test_code_without_comments_and_strings():
    source = "int a = 1'000; // b's\nauto s = R\"x(\"/* )x\"; char c = '\\''; /* d\n */ int e;\n"
    code = text.cpp_code(source)
    assert "1'000" in code and "int e;" in code and code.count("\n") == source.count("\n")
    assert not any(word in code for word in ("b's", "/*", "\\'", " d"))
