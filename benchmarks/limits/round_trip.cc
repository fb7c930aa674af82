#include "limits/round_trip.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "limits/stopwatch.h"
#include "limits/system_call.h"

namespace rayx::limits {
namespace {

constexpr int kRoundTrips = 5000;
constexpr int kWarmRoundTrips = 500;
constexpr int kPipedMessages = 100000;
constexpr int kWindow = 64;

using Message = std::array<std::byte, 64>;

// One end of a connection.
class Socket {
 public:
  explicit Socket(int fd) : fd_(fd) {}
  Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  Socket& operator=(Socket&&) = delete;
  ~Socket() { Close(); }

  int fd() const { return fd_; }

  void Close() {
    if (fd_ >= 0) close(std::exchange(fd_, -1));
  }

  // False at the end of the connection.
  bool Receive(Message& message) const {
    size_t have = 0;
    while (have < message.size()) {
      const ssize_t got = read(fd_, message.data() + have, message.size() - have);
      if (got <= 0) return false;
      have += static_cast<size_t>(got);
    }
    return true;
  }

  // Messages are so small that a write takes all or fails.
  void Send(const Message& message) const {
    Checked(write(fd_, message.data(), message.size()), "write");
  }

 private:
  int fd_;
};

std::pair<Socket, Socket> Connect() {
  std::array<int, 2> fds{};
  Checked(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds.data()), "socketpair");
  return {Socket(fds[0]), Socket(fds[1])};
}

void RunWorker(const Socket& socket) {
  Message message;
  while (socket.Receive(message)) socket.Send(message);
}

// As a daemon does: waits for both sides, hands on what is there.
void RunDaemon(const Socket& driver, const Socket& worker) {
  Message message;
  std::array<pollfd, 2> waits{pollfd{driver.fd(), POLLIN, 0}, pollfd{worker.fd(), POLLIN, 0}};
  for (;;) {
    Checked(poll(waits.data(), waits.size(), -1), "poll");
    if (waits[0].revents != 0) {
      if (!driver.Receive(message)) return;
      worker.Send(message);
    }
    if (waits[1].revents != 0) {
      if (!worker.Receive(message)) return;
      driver.Send(message);
    }
  }
}

// A driver (this process) and the processes behind it.
class Chain {
 public:
  Chain(const Cpus& cpus, int hops, Placement placement)
      : Chain(Connect(), cpus, hops, placement) {}

  // In this order: the end of the connection is what the children wait for.
  ~Chain() { driver_.Close(); }
  Chain(const Chain&) = delete;
  Chain& operator=(const Chain&) = delete;

  const Socket& driver() const { return driver_; }

 private:
  Chain(std::pair<Socket, Socket> first, const Cpus& cpus, int hops, Placement placement)
      : driver_(std::move(first.first)) {
    Socket far_end = std::move(first.second);
    if (hops == 1) {
      worker_.emplace([&] {
        driver_.Close();
        cpus.Place(placement, 1);
        RunWorker(far_end);
      });
    } else {
      std::pair<Socket, Socket> second = Connect();
      Socket& daemon_end = second.first;
      Socket& worker_end = second.second;
      daemon_.emplace([&] {
        driver_.Close();
        worker_end.Close();
        cpus.Place(placement, 1);
        RunDaemon(far_end, daemon_end);
      });
      worker_.emplace([&] {
        driver_.Close();
        far_end.Close();
        daemon_end.Close();
        cpus.Place(placement, 2);
        RunWorker(worker_end);
      });
    }
    cpus.Place(placement, 0);
  }

  std::optional<Child> daemon_;
  std::optional<Child> worker_;
  Socket driver_;
};

std::vector<double> TimeRoundTrips(const Socket& driver) {
  Message message{};
  const auto round_trip = [&] {
    driver.Send(message);
    driver.Receive(message);
  };
  for (int i = 0; i < kWarmRoundTrips; ++i) round_trip();
  std::vector<double> seconds;
  seconds.reserve(kRoundTrips);
  for (int i = 0; i < kRoundTrips; ++i) {
    const Stopwatch stopwatch;
    round_trip();
    seconds.push_back(stopwatch.seconds());
  }
  return seconds;
}

double PipedMessagesPerSecond(const Socket& driver) {
  Message message{};
  const Stopwatch stopwatch;
  for (int i = 0; i < kPipedMessages + kWindow; ++i) {
    if (i >= kWindow) driver.Receive(message);
    if (i < kPipedMessages) driver.Send(message);
  }
  return kPipedMessages / stopwatch.seconds();
}

}  // namespace

void MeasureRoundTrips(const Cpus& cpus, Report& report) {
  for (const int hops : {1, 2}) {
    const std::string name = "unix_" + std::to_string(hops) + "hop_";
    for (const Placement placement : cpus.placements()) {
      const Chain chain(cpus, hops, placement);
      report.AddPercentiles(name + Name(placement), TimeRoundTrips(chain.driver()));
    }
    const Chain chain(cpus, hops, Placement::kFree);
    report.Add(name + "piped_per_s", PipedMessagesPerSecond(chain.driver()));
  }
  cpus.Place(Placement::kFree, 0);
}

}  // namespace rayx::limits
