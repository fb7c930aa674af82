// The global scheduler's connections: nodes connect to a Unix socket, and what they say goes to the
// OfferBook, whose decisions go back. It decides nothing itself.
//
// Nodes of other machines come through a bridge on this one, which copies bytes: their sockets look
// like those of nodes here.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/base/status.h"
#include "common/io/connection.h"
#include "common/io/event_loop.h"
#include "common/os/scoped_fd.h"
#include "global_scheduler/scheduling_wire.h"
#include "placement/offer_book.h"

namespace rayx::global_scheduler {

class SchedulerServer {
 public:
  // `loop` must outlive the server.
  SchedulerServer(EventLoop* loop, placement::OfferBook::Options options);
  ~SchedulerServer();
  SchedulerServer(const SchedulerServer&) = delete;
  SchedulerServer& operator=(const SchedulerServer&) = delete;

  // From now on processes of this user can connect at this path, in a directory of ours. What a
  // scheduler before has left there is removed.
  Status Listen(const std::string& path);
  // Decides, and sends. Once a turn of the loop; true if it wants another one at once.
  bool OnTurn();
  std::string DebugText() const;

 private:
  struct Peer {
    std::unique_ptr<Connection> connection;
    int64_t connected_ms = 0;
    int64_t said_ms = 0;
    bool registered = false;
    bool dirty = false;
    bool closed = false;
    // What is said in this turn.
    Placements placements;
    NodeChanges changes;
  };

  Peer* PeerOf(placement::SessionNumber session);
  void Accept();
  void Take(ScopedFd socket);
  void OnFrames(placement::SessionNumber session);
  Status Hear(placement::SessionNumber session, Peer* peer, FromNode message);
  Status Register(placement::SessionNumber session, Peer* peer, const placement::NodeFacts& facts);
  void Refuse(Peer* peer, const Status& why);
  void EndSessions();
  void Act();
  void Say(Peer* peer, const FromScheduler& message);
  void SayUnplaceable(placement::SessionNumber home, std::vector<placement::OfferName> offers,
                      const std::string& reason, bool for_ever);
  void NoteChange(const placement::Effect& effect);
  void SaySigns();
  void SetTimer();

  EventLoop* const loop_;
  placement::OfferBook book_;
  ScopedFd listening_;
  std::map<placement::SessionNumber, std::unique_ptr<Peer>> peers_;
  placement::SessionNumber last_session_ = placement::kAllSessions;
  // After the socket, so that it goes first.
  std::unique_ptr<EventLoop::Watcher> watcher_;
  std::unique_ptr<EventLoop::Timer> timer_;
};

}  // namespace rayx::global_scheduler
