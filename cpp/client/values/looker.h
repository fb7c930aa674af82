// A callback that looks for signals while a call of the client waits.
#pragma once

#include <cstdint>

namespace rayx {

// A wait does not end for it: to begin it anew would take time for each object that is waited for.
struct Looker {
  // Called with this now and then, in the thread that waits and without a lock, so that it may call
  // the client. `waited_ms`: since the wait began. False ends the wait with Interrupted.
  bool (*look)(Looker* self, int64_t waited_ms);
};

// The looker of one wait, and when that began (MonotonicMs). Without one, a wait ends with
// Interrupted whenever it is time to look.
struct Looking {
  Looker* looker = nullptr;
  int64_t begin_ms = 0;
};

}  // namespace rayx
