// The program around a fuzzer where there is no libFuzzer: feeds it every file of its corpus, every
// prefix of each, and each with one byte changed. Whatever fuzzing once found stays found, under
// every compiler.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

using Bytes = std::vector<uint8_t>;

// Beyond this many bytes of a file, prefixes and changed bytes are no longer tried.
constexpr size_t kMutatedBytesMax = 512;

// Copies, so that a read past the end leaves the allocation and the sanitizers see it.
void Feed(const Bytes& input, size_t size) {
  const Bytes exact(input.begin(), input.begin() + static_cast<std::ptrdiff_t>(size));
  LLVMFuzzerTestOneInput(exact.data(), exact.size());
}

void FeedWithMutations(Bytes input) {
  Feed(input, input.size());
  const size_t mutated = std::min(input.size(), kMutatedBytesMax);
  for (size_t size = 0; size < mutated; ++size) Feed(input, size);
  for (size_t at = 0; at < mutated; ++at) {
    const uint8_t original = input[at];
    for (const uint8_t changed : {uint8_t{0x00}, uint8_t{0x7f}, uint8_t{0x80}, uint8_t{0xff}}) {
      input[at] = changed;
      Feed(input, input.size());
    }
    input[at] = original;
  }
}

Bytes ReadFile(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return Bytes(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
}

}  // namespace

int main(int argc, char** argv) {
  FeedWithMutations({});
  int files = 0;
  for (int i = 1; i < argc; ++i) {
    if (!std::filesystem::is_directory(argv[i])) continue;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(argv[i])) {
      if (!entry.is_regular_file()) continue;
      FeedWithMutations(ReadFile(entry.path()));
      ++files;
    }
  }
  std::printf("replayed %d corpus files\n", files);
  return 0;
}
