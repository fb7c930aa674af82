// The store beside a naive model, in random scripts, with SanityCheck after each step.
#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "plasma/store_script.h"

namespace rayx::plasma {
namespace {

TEST(ObjectStoreModelTest, AgreesWithTheModelOnRandomScripts) {
  for (uint32_t seed = 0; seed < 150; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    std::vector<uint8_t> script(4 * 400);
    for (uint8_t& byte : script) byte = static_cast<uint8_t>(random());
    StoreScript().Run(script);
  }
}

TEST(ObjectStoreSanityTest, HoldsInEveryState) {
  ObjectStore store(1024);
  store.SanityCheck();
  store.AddReference(TestObject(1));
  ASSERT_TRUE(store.Create(ClientId(1), TestObject(2), 100).ok());
  store.SanityCheck();
  ASSERT_TRUE(store.Seal(ClientId(1), TestObject(2), {}).ok());
  ASSERT_TRUE(store.Pin(ClientId(1), TestObject(2)).ok());
  store.Get(ClientId(2), TestObject(3), true);
  store.SanityCheck();
}

}  // namespace
}  // namespace rayx::plasma
