// Bytes of peers that have not proven the key, to a listener or a dialer of TLS, in pieces. Nothing
// they send proves the key; what is read and what is answered is bounded. The same bytes as the
// text of a key and as an identity, too.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/check.h"
#include "common/base/limits.h"
#include "common/io/socket.h"
#include "common/tls/key_text.h"
#include "common/tls/psk_identity.h"
#include "common/tls/tls_context.h"
#include "common/tls/tls_stream.h"

namespace {

using rayx::NodeId;

NodeId IdOf(uint8_t filling) {
  std::array<uint8_t, NodeId::kSize> bytes;
  bytes.fill(filling);
  return NodeId::FromBytes(bytes.data());
}

rayx::TlsContext* Context() {
  static rayx::TlsContext context(
      rayx::ClusterKey(std::array<uint8_t, rayx::ClusterKey::kBytes>{1, 2, 3}), rayx::ClusterId(),
      IdOf(1));
  return &context;
}

// Whether the stream is still to be heard.
bool Read(rayx::TlsStream* stream) {
  std::array<uint8_t, 512> room;
  const auto outcome = stream->Read(room);
  RAYX_CHECK(!stream->proven());
  RAYX_CHECK(!outcome.ok() || outcome->bytes == 0);
  return outcome.ok() && outcome->would_block;
}

void Shake(bool dials, size_t piece, std::span<const uint8_t> bytes) {
  auto sockets = rayx::SocketPair();
  RAYX_CHECK(sockets.ok());
  rayx::ScopedFd peer = std::move(sockets->second);
  RAYX_CHECK(rayx::SetNonBlocking(peer.get(), true).ok());
  const auto stream = dials ? Context()->Dial(std::move(sockets->first), IdOf(2))
                            : Context()->Accept(std::move(sockets->first));
  bool open = Read(stream.get());
  while (open && !bytes.empty()) {
    const auto part = bytes.first(std::min(piece, bytes.size()));
    RAYX_CHECK(rayx::WriteWithFds(peer.get(), part, {}).value() == part.size());
    bytes = bytes.subspan(part.size());
    open = Read(stream.get());
  }
  std::array<uint8_t, rayx::limits::kUnprovenBytesMax> answer;
  const auto answered = rayx::ReadWithFds(peer.get(), answer);
  RAYX_CHECK(!answered.ok() || answered->bytes < answer.size() / 4);
  peer.Reset();
  if (open) RAYX_CHECK(!Read(stream.get()));
}

}  // namespace

// The first byte says who is spoken to, and in which pieces.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::span<const uint8_t> bytes(data + 1, size - 1);
  const auto identity = rayx::PskIdentity::Decode(bytes);
  RAYX_CHECK(!identity || std::ranges::equal(identity->Encoded(), bytes));
  (void)rayx::ParseKeyText({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  // More than a socket holds would have to be written in turns, and nobody reads so much.
  const auto some = bytes.first(std::min(bytes.size(), 2 * rayx::limits::kUnprovenBytesMax));
  const size_t piece = data[0] < 2 ? some.size() + 1 : size_t{data[0]} * 4;
  Shake((data[0] & 1) != 0, piece, some);
  return 0;
}
