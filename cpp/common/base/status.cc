#include "common/base/status.h"

#include <cstring>

namespace rayx {

std::string_view StatusCodeName(StatusCode code) {
  switch (code) {
    case StatusCode::kOk:
      return "Ok";
    case StatusCode::kInvalidArgument:
      return "InvalidArgument";
    case StatusCode::kNotFound:
      return "NotFound";
    case StatusCode::kAlreadyExists:
      return "AlreadyExists";
    case StatusCode::kStoreFull:
      return "StoreFull";
    case StatusCode::kInfeasible:
      return "Infeasible";
    case StatusCode::kDisconnected:
      return "Disconnected";
    case StatusCode::kTimedOut:
      return "TimedOut";
    case StatusCode::kInterrupted:
      return "Interrupted";
    case StatusCode::kProtocolError:
      return "ProtocolError";
    case StatusCode::kIoError:
      return "IoError";
    case StatusCode::kUnavailable:
      return "Unavailable";
    case StatusCode::kForked:
      return "Forked";
  }
  return "Unknown";
}

Status::Status(StatusCode code, std::string message)
    : state_(std::make_shared<const State>(State{code, std::move(message)})) {
  RAYX_CHECK(code != StatusCode::kOk);
}

Status Status::FromErrno(std::string_view what, int error_number) {
  return IoError(std::string(what) + ": " + std::strerror(error_number));
}

const std::string& Status::message() const {
  static const std::string kNone;
  return ok() ? kNone : state_->message;
}

std::string Status::ToString() const {
  if (ok()) return "Ok";
  return std::string(StatusCodeName(state_->code)) + ": " + state_->message;
}

}  // namespace rayx
