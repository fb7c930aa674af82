"""The public methods and parameters of C++ headers."""

from checks import ratchet
from checks.cpp_interfaces import cpp_offers_of
from checks.text import code_of

HEADER = """
#include <functional>
#define MANY(a, b, c, d, e, f, g) a

namespace rayx {

// Not this one: Comment(int a, int b);
template <typename T, typename... Rest>
Result<std::map<int, T>> Make(const std::map<std::string, T>& parts, int count = Twice(2, 3));

class [[nodiscard]] Store : public Base {
 public:
  using Key = std::pair<int, int>;
  explicit Store(int a, int b, int c);
  ~Store() override;
  Store(const Store&) = delete;
  bool operator==(const Store& other) const;

  Status Put(const Key& key) { return PutAll({key}, {1, 2}); }
  Status Put(int key);
  static constexpr int kMost = Most(1, 2);
  virtual void OnDone(std::function<void(int, int)> done, std::map<int, int> all) = 0;
  std::function<void(int)> on_gone;
  const Keys& keys() const;

  struct Options {
    int most = 0;
    std::string ToString() const;
  };

 protected:
  void Hidden(int a);

 private:
  void Secret();
  int size_{0};
  std::vector<int> parts_ = {1, 2};
};

struct Plain {
  void Open();
};

}  // namespace rayx
"""


def offers() -> dict[tuple[str, str], int]:
    return {(one.kind, one.name): one.size for one in cpp_offers_of(code_of("x.h", HEADER))}


def test_public_methods_are_counted_by_name():
    found = {name: size for (kind, name), size in offers().items() if kind == "methods"}
    assert found == {"Store": 3, "Options": 1, "Plain": 1}


def test_parameters_are_counted_once_each():
    found = {name: size for (kind, name), size in offers().items() if kind == "parameters"}
    assert found["Make"] == 2
    assert found["Store::OnDone"] == 2
    assert found["Store::Hidden"] == 1
    assert found["Store::keys"] == 0
    assert "Store::Most" not in found and "Comment" not in found and "Store::void" not in found


def test_the_ratchet_holds_headers(tree_of, law):
    methods = "".join(f"  void M{i}();\n" for i in range(16))
    wide = "void Wide(int a, int b, int c, int d, int e, int f, int g);\n"
    tree = tree_of({"cpp/plasma/a.h": f"class A {{\n public:\n{methods}}};\n{wide}"})
    found = {(one.rule, one.line) for one in ratchet.check(tree, law)}
    assert found == {("public-methods", 1), ("parameters", 20)}
    tree = tree_of({"ci/ratchet.json": '{"methods": {"cpp/plasma/a.h::A": 16}}'})
    assert {one.rule for one in ratchet.check(tree, law)} == {"parameters"}
