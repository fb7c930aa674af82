// The result of an operation that may fail for reasons outside the program (a peer is gone, the
// store is full). Programmer errors are CHECKs (check.h), never a Status.
//
// OK costs nothing: no allocation, one null pointer. No exception crosses a room.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "common/base/check.h"

namespace rayx {

enum class StatusCode {
  kOk = 0,
  kInvalidArgument,  // the caller asked for something that has no meaning
  kNotFound,         // no such object, task, function, file
  kAlreadyExists,    // the id has a value already; the first one stays
  kStoreFull,        // no room in the object store, and nothing may go
  kInfeasible,       // asks for more than the node or cluster has
  kDisconnected,     // the peer closed the connection or died
  kTimedOut,         // the given time passed
  kInterrupted,      // a signal arrived while waiting; the caller may look at it and wait again
  kProtocolError,    // the peer sent bytes that this version does not accept
  kIoError,          // the operating system refused
  kUnavailable,      // a service (the control server) cannot be reached now
  kForked,           // this process is a fork of the one that opened the connection
};

// Name of a code, as printed: "StoreFull".
std::string_view StatusCodeName(StatusCode code);

class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(StatusCode code, std::string message);

  static Status Ok() { return Status(); }
  static Status InvalidArgument(std::string m) {
    return {StatusCode::kInvalidArgument, std::move(m)};
  }
  static Status NotFound(std::string m) { return {StatusCode::kNotFound, std::move(m)}; }
  static Status AlreadyExists(std::string m) { return {StatusCode::kAlreadyExists, std::move(m)}; }
  static Status StoreFull(std::string m) { return {StatusCode::kStoreFull, std::move(m)}; }
  static Status Infeasible(std::string m) { return {StatusCode::kInfeasible, std::move(m)}; }
  static Status Disconnected(std::string m) { return {StatusCode::kDisconnected, std::move(m)}; }
  static Status TimedOut(std::string m) { return {StatusCode::kTimedOut, std::move(m)}; }
  static Status Interrupted(std::string m) { return {StatusCode::kInterrupted, std::move(m)}; }
  static Status ProtocolError(std::string m) { return {StatusCode::kProtocolError, std::move(m)}; }
  static Status IoError(std::string m) { return {StatusCode::kIoError, std::move(m)}; }
  static Status Unavailable(std::string m) { return {StatusCode::kUnavailable, std::move(m)}; }
  static Status Forked(std::string m) { return {StatusCode::kForked, std::move(m)}; }
  // An IoError that names the call and the text of `error_number` (errno): "open /x: No such file".
  static Status FromErrno(std::string_view what, int error_number);

  bool ok() const { return state_ == nullptr; }
  StatusCode code() const { return ok() ? StatusCode::kOk : state_->code; }
  // Empty when OK.
  const std::string& message() const;
  // "StoreFull: asked for 10 bytes …", or "Ok".
  std::string ToString() const;

 private:
  struct State {
    StatusCode code;
    std::string message;
  };
  // Shared, since a Status is copied to every waiter of a failed operation.
  std::shared_ptr<const State> state_;
};

// A value, or why there is none.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}         // NOLINT: a value is a Result
  Result(Status status) : status_(std::move(status)) {  // NOLINT: a failure is a Result
    RAYX_CHECK(!status_.ok());
  }

  bool ok() const { return value_.has_value(); }
  const Status& status() const { return status_; }
  // REQUIRES: ok().
  T& value() & {
    RAYX_CHECK(ok());
    return *value_;
  }
  const T& value() const& {
    RAYX_CHECK(ok());
    return *value_;
  }
  T&& value() && {
    RAYX_CHECK(ok());
    return std::move(*value_);
  }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

 private:
  std::optional<T> value_;
  Status status_;
};

#define RAYX_RETURN_IF_ERROR(expression)         \
  do {                                           \
    ::rayx::Status rayx_status_ = (expression);  \
    if (!rayx_status_.ok()) return rayx_status_; \
  } while (false)

}  // namespace rayx
