// Runs an object store beside the naive one. The bytes of a script decide what happens; answers,
// effects and what is left are compared after each step, and every difference is a failed CHECK.
// For randomized tests and fuzzing.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include "common/base/check.h"
#include "plasma/naive_object_store.h"
#include "plasma/object_ids.h"
#include "plasma/object_store.h"

namespace rayx::plasma {

class StoreScript {
 public:
  static constexpr uint64_t kPoolBytes = 4096;

  // Four bytes make one step: what, who, on which object, with what.
  void Run(std::span<const uint8_t> script) {
    for (size_t at = 0; at + 3 < script.size(); at += 4) {
      Step(script[at], ClientId(1 + script[at + 1] % kClients),
           TestObject(script[at + 2] % kObjects), script[at + 3]);
      store_.SanityCheck();
      CompareEffects();
      CompareObjects();
    }
    End();
  }

 private:
  static constexpr uint32_t kClients = 4;
  static constexpr uint32_t kObjects = 10;

  void Step(uint8_t operation, ClientId client, const ObjectId& id, uint8_t operand) {
    switch (operation % 17) {
      case 0:
      case 1:
        return Create(client, id, operand);
      case 2:
      case 3:
        return Expect(store_.Seal(client, id, Contained(operand)),
                      model_.Seal(client, id, Contained(operand)));
      case 4:
        return Expect(store_.Abort(client, id), model_.Abort(client, id));
      case 5:
        return PutInline(client, id, operand);
      case 6:
        return PutInline(kNoClient, id, operand);
      case 7:
        store_.AddClientReference(client, id);
        return model_.AddClientReference(client, id);
      case 8:
        return Expect(store_.RemoveClientReference(client, id),
                      model_.RemoveClientReference(client, id));
      case 9:
        store_.AddReference(id);
        return model_.AddReference(id);
      case 10:
        return RemoveReference(id);
      case 11:
        store_.Get(client, id, operand % 2 == 1);
        return model_.Get(client, id, operand % 2 == 1);
      case 12:
        return PinOrUnpin(client, id, operand);
      case 13:
        return Reserve(client, operand);
      case 14:
      case 15:
        return PutReserved(client, id, operand);
      default:
        // Rarely, or nothing would ever be held for long.
        if (operand < 200) return Expect(store_.Unpin(client, id), model_.Unpin(client, id));
        return OnClientGone(client);
    }
  }

  void OnClientGone(ClientId client) {
    store_.OnClientGone(client);
    model_.OnClientGone(client);
    reserved_[client].clear();
  }

  void Reserve(ClientId client, uint8_t operand) {
    const uint64_t size = 1 + uint64_t{operand} * 5;
    const StoreStats before = store_.Stats();
    const std::optional<uint64_t> offset = store_.Reserve(client, size);
    RAYX_CHECK(offset.has_value() == (size <= before.pool_largest_free_bytes));
    if (!offset) return;
    RAYX_CHECK(reserved_[client].emplace(*offset, size).second);
  }

  // Mostly as agreed; at times the reservation is given back, is that of another, or is too small.
  void PutReserved(ClientId client, const ObjectId& id, uint8_t operand) {
    const ClientId owner = operand > 250 ? ClientId(1 + client.value() % kClients) : client;
    if (reserved_[owner].empty()) {
      return Expect(store_.PutReserved(client, id, {1, 1}, {}, true), StatusCode::kNotFound);
    }
    const auto [offset, size] = *reserved_[owner].begin();
    if (owner != client) {
      Expect(store_.PutReserved(client, id, {offset, size}, {}, true), StatusCode::kNotFound);
      return Expect(store_.GiveBack(client, offset), StatusCode::kNotFound);
    }
    reserved_[client].erase(offset);
    if (operand > 230) return Expect(store_.GiveBack(client, offset), StatusCode::kOk);
    if (operand > 220) {
      const uint64_t other = operand % 2 == 0 ? 0 : size + 64;
      return Expect(store_.PutReserved(client, id, {offset, other}, {}, true),
                    StatusCode::kInvalidArgument);
    }
    const bool keep = operand % 2 == 1;
    Expect(store_.PutReserved(client, id, {offset, size}, Contained(operand), keep),
           model_.PutReserved(client, id, size, Contained(operand), keep));
  }

  void Create(ClientId client, const ObjectId& id, uint8_t operand) {
    // Mostly what fits, at times 0, a little too much, or far too much.
    uint64_t size = uint64_t{operand} * 7;
    if (operand > 250) size = operand % 2 == 0 ? kPoolBytes + 1 : UINT64_MAX - operand;
    const StatusCode answer = model_.CreateAnswer(client, id, size);
    const StoreStats before = store_.Stats();
    const Result<uint64_t> offset = store_.Create(client, id, size);
    if (answer == StatusCode::kOk && size > before.pool_largest_free_bytes) {
      RAYX_CHECK(offset.status().code() == StatusCode::kStoreFull);
      RAYX_CHECK(!offset.status().message().empty());
      return;
    }
    RAYX_CHECK(offset.status().code() == answer);
    if (!offset.ok()) return;
    RAYX_CHECK(*offset + size <= kPoolBytes);
    model_.Create(client, id, size);
  }

  void PutInline(ClientId client, const ObjectId& id, uint8_t operand) {
    const std::vector<uint8_t> data(operand, operand);
    Expect(store_.PutInline(client, id, data, Contained(operand)),
           model_.PutInline(client, id, data.size(), Contained(operand)));
  }

  void RemoveReference(const ObjectId& id) {
    // The real store calls it a programmer's error.
    if (model_.Counted(id) == 0) return;
    store_.RemoveReference(id);
    model_.RemoveReference(id);
  }

  void PinOrUnpin(ClientId client, const ObjectId& id, uint8_t operand) {
    if (operand % 2 == 0) return Expect(store_.Unpin(client, id), model_.Unpin(client, id));
    const Result<ObjectLocation> place = store_.Pin(client, id);
    Expect(place.status(), model_.Pin(client, id));
  }

  // None, one or two ids; the object itself, the same id twice and rings of objects (which stay for
  // ever) occur.
  static std::vector<ObjectId> Contained(uint8_t operand) {
    std::vector<ObjectId> contained;
    for (uint32_t i = 0; i < operand % 3u; ++i)
      contained.push_back(TestObject((operand / 3 + i * (operand / 64)) % kObjects));
    return contained;
  }

  static void Expect(const Status& status, StatusCode answer) {
    RAYX_CHECK_MSG(status.code() == answer, status.ToString());
  }

  // As text, so that they can be compared. The order of deletions among themselves is not promised.
  static std::vector<std::string> Texts(const std::vector<Effect>& effects) {
    std::vector<std::string> announced;
    std::vector<std::string> deleted;
    for (const Effect& effect : effects) {
      if (const auto* sealed = std::get_if<ObjectSealed>(&effect)) {
        announced.push_back("sealed " + sealed->id.Hex());
      } else if (const auto* deliver = std::get_if<DeliverObject>(&effect)) {
        announced.push_back("deliver " + deliver->client.ToString() + " " + deliver->id.Hex() +
                            (deliver->pin ? " pinned" : ""));
      } else if (const auto* gone = std::get_if<ObjectDeleted>(&effect)) {
        deleted.push_back("deleted " + gone->id.Hex() + " " + std::to_string(gone->size));
      }
    }
    std::sort(deleted.begin(), deleted.end());
    announced.insert(announced.end(), deleted.begin(), deleted.end());
    return announced;
  }

  void CompareEffects() { RAYX_CHECK(Texts(store_.TakeEffects()) == Texts(model_.TakeEffects())); }

  void CompareObjects() const {
    const StoreStats stats = store_.Stats();
    RAYX_CHECK(stats.objects == model_.objects().size());
    uint64_t inline_bytes = 0;
    uint64_t sealed_objects = 0;
    for (const auto& [id, object] : model_.objects()) {
      const std::optional<ObjectLocation> place = store_.Find(id);
      RAYX_CHECK(place.has_value() == object.sealed);
      RAYX_CHECK(store_.IsExpected(id) == (!object.sealed && model_.IsReferenced(id)));
      if (!place) continue;
      ++sealed_objects;
      RAYX_CHECK(place->is_inline == object.is_inline && place->size == object.size);
      if (!object.is_inline) continue;
      inline_bytes += object.size;
      RAYX_CHECK(place->data.size() == object.size);
      RAYX_CHECK(object.size == 0 || place->data[0] == object.size);
    }
    RAYX_CHECK(stats.sealed_objects == sealed_objects);
    uint64_t reserved_bytes = 0;
    for (const auto& [client, reservations] : reserved_) {
      for (const auto& [offset, size] : reservations) reserved_bytes += (size + 63) / 64 * 64;
    }
    RAYX_CHECK(stats.pool_reserved_bytes == reserved_bytes);
    RAYX_CHECK(stats.inline_bytes == inline_bytes);
  }

  // When every client has gone and every reference is dropped, only rings are left.
  void End() {
    for (ClientId client(1); client.value() <= kClients; ++client) {
      OnClientGone(client);
    }
    for (uint32_t number = 0; number < kObjects; ++number) {
      while (model_.Counted(TestObject(number)) > 0) RemoveReference(TestObject(number));
    }
    store_.SanityCheck();
    CompareEffects();
    CompareObjects();
    if (model_.objects().empty()) RAYX_CHECK(store_.Stats().pool_used_bytes == 0);
  }

  ObjectStore store_{kPoolBytes};
  NaiveObjectStore model_;
  // Offsets and sizes of the reservations that each client has.
  std::map<ClientId, std::map<uint64_t, uint64_t>> reserved_;
};

}  // namespace rayx::plasma
