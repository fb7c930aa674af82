#include "common/os/secret_memory.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace rayx {
namespace {

// What the kernel says of the mapping that begins there, in the letters of /proc/self/smaps.
std::string FlagsOf(const uint8_t* begin) {
  std::ostringstream address;
  address << std::hex << reinterpret_cast<uintptr_t>(begin) << "-";
  std::ifstream maps("/proc/self/smaps");
  bool found = false;
  for (std::string line; std::getline(maps, line);) {
    if (line.starts_with(address.str())) found = true;
    if (found && line.starts_with("VmFlags:")) return line + " ";
  }
  return "";
}

TEST(SecretMemoryTest, HoldsItsBytesWhereNoCoreDumpLooks) {
  const std::vector<uint8_t> bytes = {1, 2, 3, 4, 5};
  const SecretMemory secret(bytes);
  EXPECT_TRUE(std::equal(bytes.begin(), bytes.end(), secret.bytes().begin(), secret.bytes().end()));
  EXPECT_NE(secret.bytes().data(), bytes.data());
  EXPECT_NE(FlagsOf(secret.bytes().data()).find(" dd "), std::string::npos)
      << FlagsOf(secret.bytes().data());
}

TEST(SecretMemoryTest, IsGoneWithItsOwner) {
  const std::vector<uint8_t> bytes(32, 7);
  const uint8_t* page = nullptr;
  {
    const SecretMemory secret(bytes);
    page = secret.bytes().data();
  }
  EXPECT_EQ(FlagsOf(page), "");
}

}  // namespace
}  // namespace rayx
