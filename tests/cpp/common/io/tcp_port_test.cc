#include "common/io/tcp_port.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <string>
#include <utility>

#include "common/io/socket.h"

namespace rayx {
namespace {

sockaddr_in Loopback(uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

// A socket of another program, which asks to share the port as servers do.
int BindSharing(int socket, uint16_t port) {
  const int yes = 1;
  ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
  const sockaddr_in address = Loopback(port);
  const auto* place = reinterpret_cast<const sockaddr*>(&address);
  return ::bind(socket, place, sizeof(address)) == 0 ? 0 : errno;
}

TEST(HoldPort, NobodyElseGetsItAndNobodyIsServed) {
  const Result<HeldPort> held = HoldPort("127.0.0.1", 0);
  ASSERT_TRUE(held.ok()) << held.status().ToString();
  EXPECT_GT(held->port, 0);
  EXPECT_NE(::fcntl(held->socket.get(), F_GETFD) & FD_CLOEXEC, 0);

  const Result<HeldPort> second = HoldPort("127.0.0.1", held->port);
  EXPECT_EQ(second.status().code(), StatusCode::kAlreadyExists);
  EXPECT_EQ(second.status().message(),
            "port " + std::to_string(held->port) + " of 127.0.0.1 is in use");
  const ScopedFd other(::socket(AF_INET, SOCK_STREAM, 0));
  EXPECT_EQ(BindSharing(other.get(), held->port), EADDRINUSE);

  const ScopedFd client(::socket(AF_INET, SOCK_STREAM, 0));
  const sockaddr_in address = Loopback(held->port);
  EXPECT_NE(::connect(client.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)),
            0);
  EXPECT_EQ(errno, ECONNREFUSED);
}

TEST(HoldPort, IsFreeWhenTheSocketIsClosed) {
  Result<HeldPort> held = HoldPort("127.0.0.1", 0);
  ASSERT_TRUE(held.ok());
  held->socket.Reset();
  const Result<HeldPort> again = HoldPort("127.0.0.1", held->port);
  ASSERT_TRUE(again.ok()) << again.status().ToString();
  EXPECT_EQ(again->port, held->port);
}

bool IsRefused(uint16_t port) {
  const Result<ScopedFd> dialed = DialTcp("127.0.0.1", port);
  const std::array<uint8_t, 1> byte = {1};
  const Status outcome =
      dialed.ok() ? WriteWithFds(dialed->get(), byte, {}).status() : dialed.status();
  return outcome.code() == StatusCode::kNotFound;
}

TEST(HoldAndListen, ClosesAndOpensAndStaysHeld) {
  for (const bool by_number : {false, true}) {
    uint16_t port = 0;
    if (by_number) port = HoldPort("127.0.0.1", 0)->port;
    const Result<HeldPort> held = HoldAndListen("127.0.0.1", port, 10);
    ASSERT_TRUE(held.ok()) << held.status().message();
    const Status second = HoldAndListen("127.0.0.1", held->port, 10).status();
    EXPECT_EQ(second.code(), StatusCode::kAlreadyExists);
    EXPECT_NE(second.message().find(std::to_string(held->port)), std::string::npos);
    for (int life = 0; life < 3; ++life) {
      EXPECT_FALSE(IsRefused(held->port));
      StopListening(*held);
      EXPECT_TRUE(IsRefused(held->port));
      EXPECT_EQ(HoldPort("127.0.0.1", held->port).status().code(), StatusCode::kAlreadyExists);
      ASSERT_TRUE(ListenOn(*held, 10).ok());
    }
  }
}

TEST(HoldAndListen, ConnectionsThatLingerAreNoObstacle) {
  Result<HeldPort> held = HoldAndListen("127.0.0.1", 0, 10);
  ASSERT_TRUE(held.ok());
  Result<ScopedFd> dialed = DialTcp("127.0.0.1", held->port);
  ASSERT_TRUE(dialed.ok());
  Result<TcpPeer> peer = AcceptTcp(held->socket.get());
  ASSERT_TRUE(peer.ok() && peer->socket.valid());
  // Who closes first has the connection for another minute.
  peer->socket.Reset();
  dialed->Reset();
  held->socket.Reset();
  const Result<HeldPort> again = HoldAndListen("127.0.0.1", held->port, 10);
  EXPECT_TRUE(again.ok()) << again.status().message();
}

TEST(HoldPort, WhatIsNoAddressOfThisMachineIsRefused) {
  for (const char* text : {"", "localhost", "127.0.0", "1.2.3.4.5", "::g"}) {
    EXPECT_EQ(HoldPort(text, 0).status().code(), StatusCode::kInvalidArgument) << text;
  }
  // Of the range kept for documentation.
  const Status elsewhere = HoldPort("192.0.2.1", 0).status();
  EXPECT_EQ(elsewhere.code(), StatusCode::kIoError);
  EXPECT_NE(elsewhere.message().find("port 0 of 192.0.2.1"), std::string::npos);
}

TEST(TcpPort, ConnectionsComeToItWithTheirAddress) {
  for (const auto& [address, begin] : {std::pair{"127.0.0.1", "127.0.0.1:"}, {"::1", "[::1]:"}}) {
    const Result<HeldPort> held = HoldPort(address, 0);
    if (!held.ok() && std::string(address) == "::1") GTEST_SKIP() << "no IPv6 here";
    ASSERT_TRUE(held.ok()) << held.status().message();
    ASSERT_TRUE(ListenOn(*held, 10).ok());
    EXPECT_FALSE(AcceptTcp(held->socket.get()).value().socket.valid()) << "nobody waits";
    const Result<ScopedFd> dialed = DialTcp(address, held->port);
    ASSERT_TRUE(dialed.ok()) << dialed.status().message();
    const Result<TcpPeer> peer = AcceptTcp(held->socket.get());
    ASSERT_TRUE(peer.ok() && peer->socket.valid());
    EXPECT_TRUE(peer->name.starts_with(begin)) << peer->name;
    const bool is_four = std::string(address) == "127.0.0.1";
    EXPECT_EQ(peer->address[10], is_four ? 0xff : 0);
    EXPECT_EQ(peer->address[12], is_four ? 127 : 0);
    EXPECT_EQ(peer->address[15], 1);
    for (const int socket : {dialed->get(), peer->socket.get()}) {
      EXPECT_NE(::fcntl(socket, F_GETFL) & O_NONBLOCK, 0);
      EXPECT_NE(::fcntl(socket, F_GETFD) & FD_CLOEXEC, 0);
    }
  }
}

TEST(TcpPort, ADialToNobodyFailsByTheFirstWrite) {
  const Result<HeldPort> held = HoldPort("127.0.0.1", 0);
  ASSERT_TRUE(held.ok());
  const Result<ScopedFd> dialed = DialTcp("127.0.0.1", held->port);
  Status outcome = dialed.status();
  if (dialed.ok()) {
    const std::array<uint8_t, 1> byte = {1};
    outcome = WriteWithFds(dialed->get(), byte, {}).status();
  }
  EXPECT_EQ(outcome.code(), StatusCode::kNotFound) << outcome.ToString();
  EXPECT_EQ(DialTcp("example.invalid", 1).status().code(), StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace rayx
