// A value of a message whose table the reader does not know when it is compiled: what a question is
// told, and what it is answered (client/tasks/questions.h).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/check.h"

namespace rayx {

struct Value {
  enum class Kind { kNone, kInteger, kReal, kText, kBytes, kList, kTable };

  Value() = default;
  // An empty value of that kind.
  explicit Value(Kind given) : kind(given) {}
  static Value OfInteger(int64_t number) {
    Value made(Kind::kInteger);
    made.integer = number;
    return made;
  }
  static Value OfReal(double number) {
    Value made(Kind::kReal);
    made.real = number;
    return made;
  }
  // Text is UTF-8, as far as its sender kept to that.
  static Value OfText(std::string_view content) {
    Value made(Kind::kText);
    made.text = content;
    return made;
  }
  static Value OfBytes(std::string_view content) {
    Value made(Kind::kBytes);
    made.text = content;
    return made;
  }
  static Value OfTable(std::vector<std::pair<std::string, Value>> fields) {
    Value made(Kind::kTable);
    for (auto& [name, field] : fields) made.Add(std::move(name), std::move(field));
    return made;
  }

  void Add(std::string name, Value field) {
    names.push_back(std::move(name));
    items.push_back(std::move(field));
  }
  // The table's field. REQUIRES: there is one.
  const Value& operator[](std::string_view name) const {
    for (size_t i = 0; i < names.size(); ++i) {
      if (names[i] == name) return items[i];
    }
    RAYX_CHECK_MSG(false, "there is no field " + std::string(name));
  }

  Kind kind = Kind::kNone;
  int64_t integer = 0;
  double real = 0;
  std::string text;  // of kText and kBytes
  // The elements of a list, or the fields of a table, which have names.
  std::vector<Value> items;
  std::vector<std::string> names;
};

}  // namespace rayx
