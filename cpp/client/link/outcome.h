// What became of a request, from its form in messages.
#pragma once

#include <string>

#include "client/connection/message.h"
#include "common/base/status.h"

namespace rayx {

// `text` may be null.
inline Status FromWire(protocol::Outcome outcome, const flatbuffers::String* text) {
  std::string message = text != nullptr ? text->str() : std::string();
  switch (outcome) {
    case protocol::Outcome::Ok:
      return Status::Ok();
    case protocol::Outcome::InvalidArgument:
      return Status::InvalidArgument(std::move(message));
    case protocol::Outcome::NotFound:
      return Status::NotFound(std::move(message));
    case protocol::Outcome::AlreadyExists:
      return Status::AlreadyExists(std::move(message));
    case protocol::Outcome::StoreFull:
      return Status::StoreFull(std::move(message));
    case protocol::Outcome::IoError:
      return Status::IoError(std::move(message));
    case protocol::Outcome::Unavailable:
      return Status::Unavailable(std::move(message));
  }
  return Status::ProtocolError("the node answered with an unknown outcome");
}

}  // namespace rayx
