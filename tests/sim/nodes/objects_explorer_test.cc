// A home and two guests with a few ids, in every order in which things can happen.
//
// The cores cannot be copied: a state is the list of choices that led to it, and is made again from
// the beginning. States with the same fingerprint are visited once. From each of them everything
// also comes to its end, in one order: then nothing is lost, and nothing is left.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <functional>
#include <string>
#include <unordered_set>
#include <vector>

#include "common/base/check.h"
#include "sim/nodes/objects_world.h"

namespace rayx::sim {
namespace {

using Phase = ObjectsWorld::Phase;
using Path = std::vector<uint16_t>;

// RAYX_NODES_DEPTH lets them go on for longer.
size_t StepsMore() {
  const char* wanted = std::getenv("RAYX_NODES_DEPTH");
  return wanted == nullptr ? 0 : std::strtoull(wanted, nullptr, 10);
}

class Explorer {
 public:
  // `begin`: what has happened before, by the beginnings of its texts.
  Explorer(const ObjectBounds& bounds, const std::vector<std::string>& begin) : bounds_(bounds) {
    ObjectsWorld world(bounds_);
    for (const std::string& text : begin) {
      std::vector<ObjectsWorld::Choice> choices = world.Choices(Phase::kOpen);
      const auto found = std::find_if(choices.begin(), choices.end(), [&](const auto& choice) {
        return choice.text.starts_with(text);
      });
      std::string all;
      for (const auto& choice : choices) all += "; " + choice.text;
      RAYX_CHECK_MSG(found != choices.end(), text + " is none of" + all);
      path_.push_back(static_cast<uint16_t>(found - choices.begin()));
      found->happens();
    }
  }

  // All that can happen within so many steps; those with the fewest come first.
  void Run(size_t steps) {
    std::deque<Path> paths{path_};
    const size_t end = path_.size() + steps;
    for (; !paths.empty() && fault_.empty(); paths.pop_front()) {
      const size_t choices = Visit(paths.front(), paths.front().size() < end);
      for (size_t at = 0; at < choices; ++at) {
        paths.push_back(paths.front());
        paths.back().push_back(static_cast<uint16_t>(at));
      }
    }
  }
  size_t states() const { return visited_.size(); }
  const std::string& fault() const { return fault_; }

 private:
  // What has happened on the way, for people.
  std::string TextOf(const Path& path) {
    ObjectsWorld world(bounds_);
    std::string text;
    for (const uint16_t at : path) {
      std::vector<ObjectsWorld::Choice> choices = world.Choices(Phase::kOpen);
      text += choices[at].text + "\n";
      choices[at].happens();
    }
    return text;
  }

  // How many choices there are, if it is new.
  size_t Visit(const Path& path, bool goes_on) {
    ObjectsWorld world(bounds_);
    for (const uint16_t at : path) world.Choices(Phase::kOpen)[at].happens();
    world.Check();
    if (!visited_.insert(std::hash<std::string>()(world.Fingerprint())).second) return 0;
    const size_t choices = goes_on ? world.Choices(Phase::kOpen).size() : 0;
    End(world);
    if (!world.broken().empty()) {
      fault_ = TextOf(path) + "then the end: " + world.broken();
    }
    return choices;
  }

  static void End(ObjectsWorld& world) {
    world.AskForAll();
    for (const Phase phase : {Phase::kSettling, Phase::kClosing}) {
      while (world.broken().empty()) {
        std::vector<ObjectsWorld::Choice> choices = world.Choices(phase);
        if (choices.empty()) break;
        choices.front().happens();
        world.Check();
      }
      if (world.broken().empty()) world.CheckAtRest();
    }
    if (world.broken().empty()) world.CheckEmpty();
  }

  const ObjectBounds bounds_;
  Path path_;
  // 64 bits of each: among a million states, two are taken for one with a chance of one in 10^7.
  std::unordered_set<uint64_t> visited_;
  std::string fault_;
};

void Explore(const ObjectBounds& bounds, const std::vector<std::string>& begin, size_t steps,
             size_t states_at_least) {
  Explorer explorer(bounds, begin);
  explorer.Run(steps + StepsMore());
  EXPECT_EQ(explorer.fault(), "");
  EXPECT_GT(explorer.states(), states_at_least);
  std::printf("%zu states\n", explorer.states());
}

TEST(ObjectsExplorer, OneIdThatIsLentToOneOfTwoGuests) {
  Explore({.puts = 1, .loans = 1}, {}, 10, 2000);
}

TEST(ObjectsExplorer, TheSameIdLentToBothGuests) {
  Explore({.puts = 1, .loans = 2, .with_large = false},
          {"c1 puts", "c1 lends t1.put0 to 1", "c1 lends t1.put0 to 2"}, 7, 1000);
}

TEST(ObjectsExplorer, ALoanWhoseResultHasWhatTheGuestMakesLater) {
  Explore({.nodes = 2, .puts = 0, .tasks = 1, .loans = 1}, {}, 11, 1000);
}

TEST(ObjectsExplorer, ALargeValueOfAGuestThatTheOtherWants) {
  Explore({.puts = 1, .loans = 2},
          {"c1 puts", "c1 lends to 1", "1 hears 0", "loan ends large", "0 hears 1",
           "c1 lends t2.0 t1.put0 to 2"},
          6, 1000);
}

TEST(ObjectsExplorer, ALargeValueThatIsCopiedWhileStreamsAreCut) {
  Explore({.puts = 1, .loans = 1, .stream_cuts = 1}, {"c1 puts large", "c1 lends t1.put0 to 1"}, 8,
          1000);
}

TEST(ObjectsExplorer, ALargeValueOfAGuestThatCrashesWhenTheOtherHasACopy) {
  Explore({.puts = 1, .loans = 2, .crashes = 1},
          {"c1 puts", "c1 lends to 1", "1 hears 0", "loan ends large", "0 hears 1",
           "c1 lends t2.0 t1.put0 to 2", "2 hears 0", "loan gives t2.0", "c3 asks for t2.0",
           "0 hears 2"},
          5, 1000);
}

TEST(ObjectsExplorer, ACrashOfAnyNode) {
  Explore({.puts = 1, .loans = 1, .crashes = 1, .with_large = false},
          {"c1 puts", "c1 lends t1.put0 to 1"}, 7, 1000);
}

TEST(ObjectsExplorer, ASessionThatEnds) {
  Explore({.nodes = 2, .puts = 1, .loans = 2, .cuts = 1, .with_large = false},
          {"c1 puts", "c1 lends t1.put0 to 1"}, 7, 1000);
}

}  // namespace
}  // namespace rayx::sim
