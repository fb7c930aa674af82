// Pickled functions: kept here for the workers of this node, and in the function table for the
// cluster.
//
// An object without data stands for each function (ObjectId::ForFunction). A process that can call
// the function refers to that: processes that have a remote function, tasks that wait or run,
// values and other functions that contain it. So the object store counts all of them, and the value
// of the object contains the ids that the function has captured. When the object is gone, nobody
// can call the function any more, and it is forgotten: here, in the table, and in the workers that
// have loaded it.
//
// A function that refers to itself is referred to by each worker that has loaded it. If nobody else
// does, these are told to forget it, which lets it go, unless somebody in them has kept it.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "common/base/ids.h"
#include "common/base/status.h"
#include "node/driver_book.h"
#include "node/shell.h"
#include "plasma/object_store.h"

namespace rayx::node {

class FunctionBook {
 public:
  // All must outlive it.
  FunctionBook(const Shell& shell, plasma::ObjectStore* store, const DriverBook* drivers);

  // Another node has sent the function, before the value of its object: `is_foreign`, its home.
  void Learn(const FunctionId& id, const remote::Function& function, bool is_foreign);
  // To be sent to another node; nothing if it is not known.
  std::optional<remote::Function> Export(const FunctionId& id) const;

  // A peer can call the function from now on, and has said what it is. Not OK: a breach of
  // protocol.
  Status OnExport(const Peer& peer, const FunctionId& id, std::string_view name,
                  std::span<const uint8_t> pickled, std::span<const ObjectId> contained);
  // Answers from memory, else asks the table.
  void OnFetch(Peer& peer, const FunctionId& id);
  // The table has answered. `pickled` null: it does not know the function.
  void OnFound(ClientId asker, const FunctionId& id, const std::string* pickled);
  // The object that stands for the function is gone.
  void OnDeleted(const FunctionId& id);
  // Lets go of functions that only those workers refer to which have loaded them. Now and then.
  void OnHeartbeat();
  void OnWorkerGone(ClientId worker);
  // The driver's functions are forgotten.
  void OnDriverGone(const DriverId& driver);

  struct Summary {
    FunctionId id;
    DriverId driver;
    std::string name;
    size_t pickled_bytes = 0;
  };
  struct Content {
    std::string_view name;
    const std::string* pickled;
  };
  // Nothing if it is not known. Valid until it is forgotten.
  std::optional<Content> Find(const FunctionId& id) const;
  // All of them, in no order.
  std::vector<Summary> List() const;
  bool IsKnown(const FunctionId& id) const { return functions_.contains(id); }
  size_t size() const { return functions_.size(); }

 private:
  struct Function {
    DriverId driver;
    std::string name;
    std::string pickled;
    // The workers that have fetched it, and have not been told to forget it since.
    std::vector<ClientId> loaded_by;
    // Of a driver of another node, which keeps the table.
    bool is_foreign = false;
  };
  // Whether the function has a home at another node, which is asked.
  bool IsAskedForAtHome(const FunctionId& id);
  // The function is known now.
  void AnswerAskers(const FunctionId& id);
  void TellToForget(const FunctionId& id, Function& function);

  const Shell shell_;
  plasma::ObjectStore* const store_;
  const DriverBook* const drivers_;
  std::unordered_map<FunctionId, Function> functions_;
  // Who has asked for a function that the home is asked for.
  std::unordered_map<FunctionId, std::vector<ClientId>> askers_;
  // The functions among them that refer to themselves.
  std::unordered_set<FunctionId> recursive_;
};

}  // namespace rayx::node
