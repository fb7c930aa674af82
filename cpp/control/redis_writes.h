// Commands that more than one table writes.
#pragma once

#include <string_view>
#include <vector>

#include "control/records.h"
#include "control/redis_link.h"

namespace rayx::control {

// One HSET of all fields. REQUIRES: there are some.
inline void WriteHash(RedisLink* link, std::string_view key, const Fields& fields,
                      RedisLink::Loss loss) {
  std::vector<std::string_view> words = {"HSET", key};
  words.reserve(2 + 2 * fields.size());
  for (const auto& [field, text] : fields) {
    words.push_back(field);
    words.push_back(text);
  }
  link->Write(words, loss);
}

}  // namespace rayx::control
