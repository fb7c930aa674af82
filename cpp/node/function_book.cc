#include "node/function_book.h"

#include <algorithm>
#include <utility>

#include "common/base/limits.h"
#include "node/mutation.h"
#include "plasma/shared_objects.h"

namespace rayx::node {

FunctionBook::FunctionBook(const Shell& shell, plasma::ObjectStore* store,
                           const DriverBook* drivers)
    : shell_(shell), store_(store), drivers_(drivers) {}

Status FunctionBook::OnExport(const Peer& peer, const FunctionId& id, std::string_view name,
                              std::span<const uint8_t> pickled,
                              std::span<const ObjectId> contained) {
  if (peer.driver.IsNil()) {
    return Status::ProtocolError("ExportFunction of a worker without a task");
  }
  if (pickled.size() > limits::kFunctionBytesMax || name.size() > limits::kNameBytesMax) {
    return Status::ProtocolError("ExportFunction beyond a limit");
  }
  const ObjectId object = ObjectId::ForFunction(id);
  store_->AddClientReference(peer.id, object);
  // Known, unless the news that it is gone is on its way to OnDeleted.
  if (functions_.contains(id) && store_->IsSealed(object)) return Status::Ok();
  const Status put = store_->PutInline(kNoClient, object, {}, contained);
  if (!put.ok() && put.code() != StatusCode::kAlreadyExists) return put;
  if (std::find(contained.begin(), contained.end(), object) != contained.end()) {
    recursive_.insert(id);
  }
  Function& function = functions_[id];
  function.driver = peer.driver;
  function.name = name;
  function.pickled.assign(pickled.begin(), pickled.end());
  function.is_foreign = !drivers_->HomeOf(peer.driver).IsNil();
  if (!function.is_foreign) {
    shell_.records->OnFunction(peer.driver, id, name, function.pickled);
  }
  AnswerAskers(id);
  return Status::Ok();
}

std::optional<FunctionBook::Content> FunctionBook::Find(const FunctionId& id) const {
  const auto it = functions_.find(id);
  if (it == functions_.end()) return std::nullopt;
  return Content{it->second.name, &it->second.pickled};
}

std::vector<FunctionBook::Summary> FunctionBook::List() const {
  std::vector<Summary> all;
  for (const auto& [id, function] : functions_) {
    all.push_back({id, function.driver, function.name, function.pickled.size()});
  }
  return all;
}

void FunctionBook::OnFetch(Peer& peer, const FunctionId& id) {
  const auto it = functions_.find(id);
  if (it == functions_.end()) {
    if (shell_.others != nullptr && IsAskedForAtHome(id)) {
      askers_[id].push_back(peer.id);
      return;
    }
    return shell_.records->AskForFunction(peer.id, id);
  }
  std::vector<ClientId>& loaded_by = it->second.loaded_by;
  // A driver keeps what it loads in the remote function for which it did.
  if (!peer.worker.IsNil() &&
      std::find(loaded_by.begin(), loaded_by.end(), peer.id) == loaded_by.end()) {
    loaded_by.push_back(peer.id);
  }
  shell_.peers->SendFunction(peer, id, &it->second.pickled);
}

bool FunctionBook::IsAskedForAtHome(const FunctionId& id) {
  plasma::SharedObjects shared(store_);
  const plasma::Sharing* sharing = shared.Find(ObjectId::ForFunction(id));
  if (sharing == nullptr || sharing->home.IsNil()) return false;
  shared.WantHere(ObjectId::ForFunction(id));
  return true;
}

void FunctionBook::Learn(const FunctionId& id, const remote::Function& function, bool is_foreign) {
  if (functions_.contains(id)) return;
  functions_[id] = {.driver = function.driver,
                    .name = function.name,
                    .pickled = function.pickled,
                    .loaded_by = {},
                    .is_foreign = is_foreign};
  if (function.is_recursive) recursive_.insert(id);
  if (!is_foreign) shell_.records->OnFunction(function.driver, id, function.name, function.pickled);
  AnswerAskers(id);
}

void FunctionBook::AnswerAskers(const FunctionId& id) {
  if (RAYX_MUTATION(kForgetFunctionAskers)) return;
  const auto asked = askers_.find(id);
  if (asked == askers_.end()) return;
  const std::vector<ClientId> askers = std::move(asked->second);
  askers_.erase(asked);
  for (const ClientId asker : askers) {
    if (Peer* peer = shell_.peers->FindPeer(asker)) OnFetch(*peer, id);
  }
}

std::optional<remote::Function> FunctionBook::Export(const FunctionId& id) const {
  const auto it = functions_.find(id);
  if (it == functions_.end()) return std::nullopt;
  return remote::Function{it->second.driver, it->second.name, it->second.pickled,
                          recursive_.contains(id)};
}

void FunctionBook::OnFound(ClientId asker, const FunctionId& id, const std::string* pickled) {
  if (Peer* peer = shell_.peers->FindPeer(asker)) shell_.peers->SendFunction(*peer, id, pickled);
}

void FunctionBook::OnDeleted(const FunctionId& id) {
  // Unless it is asked for anew meanwhile.
  if (!store_->IsExpected(ObjectId::ForFunction(id))) askers_.erase(id);
  const auto it = functions_.find(id);
  // Sealed: exported anew meanwhile.
  if (it == functions_.end() || store_->IsSealed(ObjectId::ForFunction(id))) return;
  TellToForget(id, it->second);
  if (!it->second.is_foreign) shell_.records->OnFunctionGone(it->second.driver, id);
  functions_.erase(it);
  recursive_.erase(id);
}

void FunctionBook::OnHeartbeat() {
  for (const FunctionId& id : recursive_) {
    const auto it = functions_.find(id);
    if (it == functions_.end() || it->second.loaded_by.empty()) continue;
    if (!store_->IsHeldOnlyBy(ObjectId::ForFunction(id), it->second.loaded_by)) continue;
    TellToForget(id, it->second);
  }
}

void FunctionBook::TellToForget(const FunctionId& id, Function& function) {
  for (const ClientId worker : std::exchange(function.loaded_by, {})) {
    if (Peer* peer = shell_.peers->FindPeer(worker)) shell_.peers->SendForgetFunction(*peer, id);
  }
}

void FunctionBook::OnWorkerGone(ClientId worker) {
  for (auto& [id, function] : functions_) std::erase(function.loaded_by, worker);
}

void FunctionBook::OnDriverGone(const DriverId& driver) {
  std::erase_if(functions_, [&](const auto& entry) { return entry.second.driver == driver; });
  std::erase_if(recursive_, [&](const FunctionId& id) { return !functions_.contains(id); });
}

}  // namespace rayx::node
