#include "node/driver_book.h"

#include <algorithm>
#include <utility>

#include "common/base/limits.h"

namespace rayx::node {

Status DriverBook::OnDriver(Peer& peer, const DriverId& driver, std::span<const uint8_t> config) {
  if (driver.IsNil()) return Status::ProtocolError("hello of a driver with the nil id");
  if (drivers_.count(driver) != 0) return Status::ProtocolError("driver id in use");
  peer.driver = driver;
  drivers_[driver] = {.client = peer.id,
                      .output = kNoClient,
                      .home = kNoClient,
                      .config = std::string(config.begin(), config.end()),
                      .setups = {},
                      .lines_dropped = 0};
  shell_.records->OnDriver(peer);
  return Status::Ok();
}

Status DriverBook::OnOutput(Peer& peer, const DriverId& driver) {
  if (driver.IsNil()) return Status::ProtocolError("hello of a driver with the nil id");
  const auto it = drivers_.find(driver);
  if (it == drivers_.end() || !it->second.home.IsNil()) {
    return Status::ProtocolError("output of a driver that is not here");
  }
  peer.driver = driver;
  it->second.output = peer.id;
  return Status::Ok();
}

bool DriverBook::OnRemote(ClientId home, const remote::DriverInfo& info) {
  const auto [it, is_new] = drivers_.try_emplace(info.driver);
  Driver& driver = it->second;
  if (is_new) {
    driver.home = home;
    driver.config = info.config;
  }
  if (driver.home != home) return false;
  driver.setups.insert(driver.setups.end(), info.setups.begin(), info.setups.end());
  return true;
}

std::vector<DriverId> DriverBook::ForgetRemote(ClientId home, const DriverId* only) {
  std::vector<DriverId> forgotten;
  for (const auto& [id, driver] : drivers_) {
    if (driver.home == home && (only == nullptr || *only == id)) forgotten.push_back(id);
  }
  for (const DriverId& id : forgotten) drivers_.erase(id);
  return forgotten;
}

size_t DriverBook::OwnCount() const {
  return static_cast<size_t>(std::count_if(
      drivers_.begin(), drivers_.end(), [](const auto& one) { return one.second.home.IsNil(); }));
}

ClientId DriverBook::HomeOf(const DriverId& driver) const {
  const auto it = drivers_.find(driver);
  return it == drivers_.end() ? kNoClient : it->second.home;
}

bool DriverBook::OnPeerGone(const Peer& peer) {
  const auto it = drivers_.find(peer.driver);
  if (it == drivers_.end() || !it->second.home.IsNil()) return false;
  if (it->second.output == peer.id) {
    it->second.output = kNoClient;
    return false;
  }
  if (it->second.client != peer.id) return false;
  if (!it->second.output.IsNil()) {
    shell_.peers->Close(it->second.output, Status::Disconnected("the driver has ended"));
  }
  shell_.records->OnDriverEnded(peer.driver);
  drivers_.erase(it);
  return true;
}

Status DriverBook::OnSetup(const Peer& peer, std::span<const uint8_t> pickled) {
  const auto it = drivers_.find(peer.driver);
  if (it == drivers_.end() || it->second.client != peer.id) {
    return Status::ProtocolError("AddWorkerSetup without a driver");
  }
  if (pickled.size() > limits::kFunctionBytesMax ||
      it->second.setups.size() >= limits::kWorkerSetupsMax) {
    return Status::ProtocolError("AddWorkerSetup beyond a limit");
  }
  it->second.setups.emplace_back(pickled.begin(), pickled.end());
  return Status::Ok();
}

Peer* DriverBook::OutputOf(const DriverId& driver) {
  const auto it = drivers_.find(driver);
  if (it == drivers_.end()) return nullptr;
  Peer* peer = shell_.peers->FindPeer(it->second.output);
  if (peer == nullptr) return nullptr;
  if (shell_.peers->BacklogBytes(*peer) > limits::kPeerBacklogBytesSoft) {
    ++it->second.lines_dropped;
    return nullptr;
  }
  return peer;
}

void DriverBook::SendLines(const DriverId& driver, PrintedLines lines) {
  if (const ClientId home = HomeOf(driver); !home.IsNil()) {
    return shell_.others->Send(home, remote::Printed{.driver = driver,
                                                     .pid = lines.pid,
                                                     .function = std::string(lines.function),
                                                     .is_stderr = lines.is_stderr,
                                                     .text = std::string(lines.text)});
  }
  Peer* peer = OutputOf(driver);
  if (peer == nullptr) return;
  Driver& entry = drivers_.at(driver);
  std::string text;
  if (entry.lines_dropped > 0) {
    text = "[rayx: " + std::to_string(std::exchange(entry.lines_dropped, 0)) +
           " blocks of output were dropped, the driver did not read them]\n";
    text += lines.text;
    lines.text = text;
  }
  shell_.peers->SendLines(*peer, lines);
}

void DriverBook::ReportError(TaskError error) {
  if (error.text.size() > limits::kErrorBytesMax) error.text.resize(limits::kErrorBytesMax);
  if (const ClientId home = HomeOf(error.driver); !home.IsNil()) {
    return shell_.others->Send(home, remote::TaskFailed{.driver = error.driver,
                                                        .task = error.task,
                                                        .name = std::move(error.name),
                                                        .kind = std::move(error.kind),
                                                        .text = std::move(error.text)});
  }
  if (Peer* peer = OutputOf(error.driver)) shell_.peers->SendTaskFailed(*peer, error.text);
  shell_.records->OnError(std::move(error));
}

void DriverBook::SendDrained(ClientId output) {
  if (Peer* peer = shell_.peers->FindPeer(output)) shell_.peers->SendDrained(*peer);
}

}  // namespace rayx::node
