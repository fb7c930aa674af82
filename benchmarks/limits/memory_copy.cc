#include "limits/memory_copy.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "limits/stopwatch.h"
#include "limits/system_call.h"

namespace rayx::limits {
namespace {

constexpr size_t kBytes = size_t{100} << 20;
constexpr int kRuns = 5;

// A mapping, and for a memfd its file.
class Memory {
 public:
  static Memory Anonymous() {
    return Memory(-1, MAP_PRIVATE | MAP_ANONYMOUS, PROT_READ | PROT_WRITE);
  }

  static Memory Memfd() {
    const int fd = Checked(memfd_create("rayx-limits", MFD_CLOEXEC), "memfd_create");
    Checked(ftruncate(fd, static_cast<off_t>(kBytes)), "ftruncate");
    return Memory(fd, MAP_SHARED, PROT_READ | PROT_WRITE);
  }

  ~Memory() {
    munmap(data_, kBytes);
    if (fd_ >= 0) close(fd_);
  }
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;

  std::byte* data() const { return data_; }
  int fd() const { return fd_; }

 private:
  Memory(int fd, int flags, int protection) : fd_(fd) {
    const auto mapped = mmap(nullptr, kBytes, protection, flags, fd, 0);
    if (mapped == MAP_FAILED) Checked(-1, "mmap");
    data_ = static_cast<std::byte*>(mapped);
  }

  int fd_;
  std::byte* data_;
};

// Copies [begin, end) of the 100 MiB.
using CopyPart = void (*)(const Memory& target, const Memory& source, size_t begin, size_t end);

void CopyCached(const Memory& target, const Memory& source, size_t begin, size_t end) {
  std::memcpy(target.data() + begin, source.data() + begin, end - begin);
}

#ifdef __SSE2__
// Parts begin and end at multiples of a cache line, mappings at pages.
void CopyPastCaches(const Memory& target, const Memory& source, size_t begin, size_t end) {
  constexpr size_t kVectors = 4;
  for (size_t at = begin; at < end; at += kVectors * sizeof(__m128i)) {
    const auto* from = reinterpret_cast<const __m128i*>(source.data() + at);
    auto* to = reinterpret_cast<__m128i*>(target.data() + at);
    __m128i line[kVectors];
    for (size_t i = 0; i < kVectors; ++i) line[i] = _mm_load_si128(from + i);
    for (size_t i = 0; i < kVectors; ++i) _mm_stream_si128(to + i, line[i]);
  }
  _mm_sfence();
}
#endif

void CopyByWrite(const Memory& target, const Memory& source, size_t begin, size_t end) {
  while (begin < end) {
    begin += static_cast<size_t>(
        Checked(pwrite(target.fd(), source.data() + begin, end - begin, static_cast<off_t>(begin)),
                "pwrite"));
  }
}

double TimeCopy(CopyPart copy, const Memory& target, const Memory& source, size_t threads) {
  const Stopwatch stopwatch;
  {
    std::vector<std::jthread> copiers;
    const size_t part = kBytes / threads;
    for (size_t i = 1; i < threads; ++i) {
      copiers.emplace_back(
          [copy, &target, &source, part, i] { copy(target, source, part * i, part * (i + 1)); });
    }
    copy(target, source, 0, part);
  }
  return stopwatch.seconds();
}

double MedianGigabytesPerSecond(std::vector<double> seconds) {
  std::sort(seconds.begin(), seconds.end());
  return static_cast<double>(kBytes) / seconds[seconds.size() / 2] / 1e9;
}

double WarmCopy(CopyPart copy, const Memory& target, const Memory& source, size_t threads) {
  std::vector<double> seconds;
  for (int i = 0; i < kRuns; ++i) seconds.push_back(TimeCopy(copy, target, source, threads));
  return MedianGigabytesPerSecond(std::move(seconds));
}

// Into memory that is new in each run.
double ColdCopy(CopyPart copy, Memory (*make)(), const Memory& source, size_t threads) {
  std::vector<double> seconds;
  for (int i = 0; i < kRuns; ++i) {
    const Memory target = make();
    seconds.push_back(TimeCopy(copy, target, source, threads));
  }
  return MedianGigabytesPerSecond(std::move(seconds));
}

}  // namespace

void MeasureMemoryCopies(Report& report) {
  const Memory source = Memory::Anonymous();
  const Memory target = Memory::Anonymous();
  std::memset(source.data(), 1, kBytes);
  std::memset(target.data(), 2, kBytes);

  const std::string unit = "_gb_per_s";
  for (const size_t threads : {size_t{1}, size_t{2}}) {
    const std::string ending = (threads == 2 ? "_2threads" : "") + unit;
    report.Add("copy_warm" + ending, WarmCopy(CopyCached, target, source, threads));
#ifdef __SSE2__
    report.Add("copy_warm_nt" + ending, WarmCopy(CopyPastCaches, target, source, threads));
#endif
    report.Add("memfd_cold_write" + ending, ColdCopy(CopyByWrite, Memory::Memfd, source, threads));
  }
  report.Add("anon_cold" + unit, ColdCopy(CopyCached, Memory::Anonymous, source, 1));
  report.Add("memfd_cold" + unit, ColdCopy(CopyCached, Memory::Memfd, source, 1));
}

}  // namespace rayx::limits
