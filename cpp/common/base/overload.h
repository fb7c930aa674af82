// Handles each alternative of a std::variant by a case of its own:
//
//   std::visit(Overload{[](const Circle& circle) { … }, [](const Square& square) { … }}, shape);
//
// Without a case that takes anything (`auto`), the compiler refuses every such place as soon as the
// variant gets another alternative.
#pragma once

namespace rayx {

template <typename... Cases>
struct Overload : Cases... {
  using Cases::operator()...;
};
template <typename... Cases>
Overload(Cases...) -> Overload<Cases...>;

}  // namespace rayx
