// Why OpenSSL has given a connection up, in words for people.
#pragma once

#include "common/base/status.h"

namespace rayx {

struct TlsFailure {
  Status status;
  // The peer has a key, and it is another one.
  bool wrong_key = false;
};

// Takes the errors of this thread that OpenSSL has noted. `dials`: of the end that has dialed,
// which learns from the listener's alert only that it was refused.
TlsFailure TakeTlsFailure(bool dials);

}  // namespace rayx
