"""Names that C++ sources keep to themselves, and that must differ within a room."""

from checks import own_names
from checks.own_names import own_names_of
from checks.text import code_of

SOURCE = """
#include "a.h"
namespace rayx {
namespace {

using Names = std::vector<std::string>;
constexpr int64_t kSliceMs = 50;
const std::map<int, std::function<void(int)>> table = {{1, {}}};
int counts[3];
enum class Color { kRed };
struct Pair {
  int first;
  void Method();
  static int Count();
};
void Pair::Method() {}
template <typename Message>
Status Send(Stream* stream, flatbuffers::Offset<Message> message = Make(1)) {
  static int inner = 0;
  return stream->Send(message);
}
std::function<void(int)> Later(int a);
using protocol::MessageType;
static_assert(sizeof(Pair) == 4);

}  // namespace

static bool Old(int a) { return a > 0; }
int Shared(int a) { return a; }
bool Pair::Public() const { return true; }

}  // namespace rayx
"""


def test_what_a_source_keeps_to_itself():
    names = [one.name for one in own_names_of(code_of("a.cc", SOURCE))]
    assert names == [
        "Names", "kSliceMs", "table", "counts", "Color", "Pair", "Send", "Later", "Old",
    ]  # fmt: skip


def own(name):
    return f"namespace rayx {{\nnamespace {{\nint {name}() {{ return 1; }}\n}}\n}}\n"


def test_a_name_of_two_sources_of_a_room_is_found(tree_of, law):
    tree = tree_of({
        "cpp/client/tasks/a.cc": own("TextOf"),
        "cpp/client/objects/b.cc": own("TextOf"),
    })  # fmt: skip
    (found,) = own_names.check(tree, law)
    assert (found.path, found.line) == ("cpp/client/tasks/a.cc", 3)
    assert "TextOf is a name of cpp/client/objects/b.cc, too" in found.message


def test_rooms_are_compiled_apart_and_one_source_may_declare_first(tree_of, law):
    twice = own("Twice").replace("int Twice()", "int Twice();\nint Twice()")
    tree = tree_of({
        "cpp/client/tasks/a.cc": own("TextOf"),
        "cpp/daemon/b.cc": own("TextOf"),
        "cpp/daemon/c.cc": twice,
        "cpp/daemon/d.cc": own("Other"),
    })  # fmt: skip
    assert own_names.check(tree, law) == []
