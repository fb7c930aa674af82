// The bytes of an object, readable for as long as the view lives.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <utility>

namespace rayx {

// A view on an object: on memory of our own if it is small, else on the pool, where it holds a pin
// that goes with the last copy. Keeps the mapping alive, even after the client has been closed.
class ObjectView {
 public:
  ObjectView() = default;
  ObjectView(std::shared_ptr<const void> owner, std::span<const uint8_t> bytes)
      : owner_(std::move(owner)), bytes_(bytes) {}

  std::span<const uint8_t> bytes() const { return bytes_; }
  bool valid() const { return owner_ != nullptr; }
  const std::shared_ptr<const void>& owner() const { return owner_; }

 private:
  // Destroying the last owner frees the memory or gives back the pin.
  std::shared_ptr<const void> owner_;
  std::span<const uint8_t> bytes_;
};

}  // namespace rayx
