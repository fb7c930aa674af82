// Two ends of a TLS connection and what lies between them, for tests: all bytes pass a relay, which
// records them and may change them. Nothing waits for a clock.
#pragma once

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/io/socket.h"
#include "common/tls/tls_context.h"
#include "common/tls/tls_stream.h"

namespace rayx {

using Bytes = std::vector<uint8_t>;

inline Bytes BytesOf(std::string_view text) { return Bytes(text.begin(), text.end()); }

inline ClusterKey KeyOf(uint8_t filling) {
  std::array<uint8_t, ClusterKey::kBytes> bytes;
  bytes.fill(filling);
  return ClusterKey(bytes);
}

template <typename IdType>
IdType IdOf(uint8_t filling) {
  std::array<uint8_t, IdType::kSize> bytes;
  bytes.fill(filling);
  return IdType::FromBytes(bytes.data());
}

inline const ClusterId kCluster = IdOf<ClusterId>(0xC1);
inline const NodeId kDialer = IdOf<NodeId>(0xD1);
inline const NodeId kListener = IdOf<NodeId>(0x11);

// All that can be read now from a raw socket.
inline Bytes ReadRaw(int socket) {
  Bytes all;
  Bytes piece(1 << 16);
  while (true) {
    const ssize_t bytes = ::recv(socket, piece.data(), piece.size(), MSG_DONTWAIT);
    if (bytes <= 0) return all;
    all.insert(all.end(), piece.begin(), piece.begin() + bytes);
  }
}

inline size_t WriteRaw(int socket, std::span<const uint8_t> bytes) {
  const ssize_t written = ::send(socket, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  return written < 0 ? 0 : static_cast<size_t>(written);
}

// The peer has closed, and all that it had sent was read.
inline bool HasEnded(int socket) {
  uint8_t byte = 0;
  return ::recv(socket, &byte, 1, MSG_DONTWAIT | MSG_PEEK) == 0;
}

// One end, and what has become of it.
struct TlsEnd {
  std::unique_ptr<TlsStream> stream;
  Bytes received;
  // Not OK: it has failed and is closed.
  Status failure;
  bool ended = false;

  // As its owner does: reads what there is; closes on an error.
  void Read(size_t room_bytes = 4096) {
    Bytes room(room_bytes);
    while (stream) {
      Result<ReadOutcome> outcome = stream->Read(room);
      if (!outcome.ok()) {
        failure = outcome.status();
        stream.reset();
        return;
      }
      if (outcome->would_block) return;
      if (outcome->bytes == 0) {
        ended = true;
        stream.reset();
        return;
      }
      received.insert(received.end(), room.begin(),
                      room.begin() + static_cast<std::ptrdiff_t>(outcome->bytes));
    }
  }
  // Writes what is taken; how much.
  size_t Write(std::span<const uint8_t> bytes) {
    if (!stream) return 0;
    Result<size_t> taken = stream->Write(bytes, {});
    if (taken.ok()) return *taken;
    failure = taken.status();
    stream.reset();
    return 0;
  }
};

class TlsEnds {
 public:
  // The sockets of the relay.
  ScopedFd beside_dialer;
  ScopedFd beside_listener;
  // What has passed it, before it was changed.
  Bytes from_dialer;
  Bytes from_listener;
  // Changes what passes; `at`: how many bytes have passed in that direction before.
  std::function<void(bool from_dialer, size_t at, Bytes* bytes)> change;
  TlsEnd dialer;
  TlsEnd listener;

  TlsEnds(TlsContext* dials, TlsContext* listens, const NodeId& wanted = NodeId()) {
    auto left = SocketPair();
    auto right = SocketPair();
    EXPECT_TRUE(left.ok() && right.ok());
    beside_dialer = std::move(left->second);
    beside_listener = std::move(right->second);
    dialer.stream = dials->Dial(std::move(left->first), wanted);
    listener.stream = listens->Accept(std::move(right->first));
  }

  // Until nothing happens any more.
  void Run() {
    do {
      dialer.Read();
      listener.Read();
    } while (Pass());
  }

  // Both have proven the key.
  bool proven() const {
    return dialer.stream && listener.stream && dialer.stream->proven() && listener.stream->proven();
  }

  // Sends all of the bytes from one end to the other.
  void Send(TlsEnd* from, std::span<const uint8_t> bytes) {
    size_t taken = 0;
    while (from->stream && taken < bytes.size()) {
      const size_t more = from->Write(bytes.subspan(taken));
      taken += more;
      if (!Pass() && more == 0) break;
      dialer.Read();
      listener.Read();
    }
    EXPECT_TRUE(!from->stream || taken == bytes.size());
    Run();
  }

 private:
  // Whether anything has happened in between.
  bool Pass() {
    const bool forth = PassOneWay(true, &beside_dialer, &beside_listener, &from_dialer, &forth_);
    const bool back = PassOneWay(false, &beside_listener, &beside_dialer, &from_listener, &back_);
    return forth || back;
  }

  // `waiting`: what the socket behind has no room for.
  bool PassOneWay(bool forth, ScopedFd* in, ScopedFd* out, Bytes* seen, Bytes* waiting) {
    Bytes bytes = in->valid() ? ReadRaw(in->get()) : Bytes();
    const bool ends = bytes.empty() && in->valid() && HasEnded(in->get());
    bool happened = ends || !bytes.empty();
    if (!bytes.empty()) {
      const size_t at = seen->size();
      seen->insert(seen->end(), bytes.begin(), bytes.end());
      if (change) change(forth, at, &bytes);
      waiting->insert(waiting->end(), bytes.begin(), bytes.end());
    }
    if (out->valid() && !waiting->empty()) {
      const size_t written = WriteRaw(out->get(), *waiting);
      waiting->erase(waiting->begin(), waiting->begin() + static_cast<std::ptrdiff_t>(written));
      happened = happened || written != 0;
    }
    if (ends) {
      if (out->valid()) ::shutdown(out->get(), SHUT_WR);
      in->Reset();
    }
    return happened;
  }

  Bytes forth_;
  Bytes back_;
};

}  // namespace rayx
