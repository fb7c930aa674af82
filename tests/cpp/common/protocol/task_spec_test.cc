#include "common/protocol/task_spec.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "common/base/limits.h"
#include "common/protocol/call_options.h"
#include "common/protocol/generated/task_generated.h"
#include "common/protocol/wire_ids.h"
#include "testing/example_messages.h"

namespace rayx {
namespace {

class TaskSpecTest : public testing::Test {
 protected:
  using Builder = protocol::TaskSpecBuilder;

  // Parses a minimal specification to which `more` was added. `prepare` makes what must exist
  // before.
  Result<TaskSpec> Parse(const std::function<void(Builder&)>& more = [](Builder&) {}) {
    const auto name = builder_.CreateString(name_);
    Builder spec(builder_);
    spec.add_task_id(ToWire(task_));
    spec.add_driver_id(ToWire(driver_));
    spec.add_function_id(ToWire(function_));
    spec.add_name(name);
    more(spec);
    builder_.Finish(spec.Finish());
    Result<TaskSpec> parsed = ParseTaskSpec({builder_.GetBufferPointer(), builder_.GetSize()});
    builder_.Clear();
    return parsed;
  }

  Result<TaskSpec> ParseWithOptions(
      const CallOptions& options, const std::function<void(Builder&)>& more = [](Builder&) {}) {
    const auto encoded = EncodeOptions(&builder_, options);
    return Parse([&](Builder& spec) {
      spec.add_options(encoded);
      more(spec);
    });
  }

  Result<TaskSpec> ParseWithResources(const std::vector<std::pair<std::string, int64_t>>& asked) {
    std::vector<flatbuffers::Offset<protocol::ResourceItem>> items;
    for (const auto& [name, units] : asked) {
      items.push_back(protocol::CreateResourceItemDirect(builder_, name.c_str(), units));
    }
    const auto resources = builder_.CreateVector(items);
    return Parse([&](Builder& spec) { spec.add_resources(resources); });
  }

  flatbuffers::FlatBufferBuilder builder_;
  std::string name_ = "work";
  const TaskId task_ = ExampleId<TaskId>(1);
  const DriverId driver_ = ExampleId<DriverId>(2);
  const FunctionId function_ = ExampleId<FunctionId>(3);
};

TEST_F(TaskSpecTest, DefaultsOfWhatIsAbsent) {
  Result<TaskSpec> spec = Parse();
  ASSERT_TRUE(spec.ok()) << spec.status().ToString();
  EXPECT_EQ(spec->id, task_);
  EXPECT_EQ(spec->driver, driver_);
  EXPECT_EQ(spec->function, function_);
  EXPECT_EQ(spec->name, "work");
  EXPECT_EQ(spec->return_count, 1u);
  EXPECT_EQ(spec->options.max_retries, limits::kTaskRetriesDefault);
  EXPECT_EQ(spec->resources, (ResourceSet{{"CPU", ResourceAmount::Of(1)}}));
  EXPECT_TRUE(spec->dependencies.empty());
  EXPECT_TRUE(spec->contained.empty());
}

TEST_F(TaskSpecTest, EverythingThatIsThere) {
  const std::vector<uint8_t> bytes = ExampleMessages().Encode(protocol::MessageType::SubmitTask);
  Result<TaskSpec> spec = ParseTaskSpec(bytes);
  ASSERT_TRUE(spec.ok()) << spec.status().ToString();
  EXPECT_EQ(spec->dependencies,
            (std::vector<ObjectId>{ExampleId<ObjectId>(60), ExampleId<ObjectId>(61)}));
  EXPECT_EQ(spec->contained, std::vector<ObjectId>{ExampleId<ObjectId>(62)});
  EXPECT_EQ(spec->return_count, 1u);
  EXPECT_EQ(spec->options.max_retries, 0) << "what has begun is not repeated";
  EXPECT_EQ(spec->kind, TaskKind::kActorCall);
  EXPECT_EQ(spec->actor, ExampleId<TaskId>(15));
  EXPECT_TRUE(spec->resources.empty()) << "a call has what its actor has";
  EXPECT_EQ(spec->options.priority, -4);
  EXPECT_EQ(spec->options.timeout_ms, 1500u);
  EXPECT_EQ(spec->options.stream_window, 16u);
  EXPECT_EQ(spec->run, 6u);
  EXPECT_EQ(spec->encoded, std::string(bytes.begin(), bytes.end()));
  EXPECT_EQ(spec->ReturnId(1), ObjectId::ForReturn(spec->id, 1));
}

TEST_F(TaskSpecTest, EmptyResourcesMeanNoneNotOneCpu) {
  Result<TaskSpec> spec = ParseWithResources({});
  ASSERT_TRUE(spec.ok());
  EXPECT_TRUE(spec->resources.empty());
}

TEST_F(TaskSpecTest, AmountsWithoutMeaningAreRefused) {
  EXPECT_FALSE(ParseWithResources({{"CPU", -1}}).ok());
  EXPECT_FALSE(ParseWithResources({{"CPU", INT64_MAX}}).ok());
  EXPECT_FALSE(ParseWithResources({{"CPU", ResourceAmount::kUnitsMax + 1}}).ok());
  EXPECT_TRUE(ParseWithResources({{"CPU", ResourceAmount::kUnitsMax}}).ok());
}

TEST_F(TaskSpecTest, ResourceNamesAreLimited) {
  EXPECT_FALSE(ParseWithResources({{"", 1}}).ok());
  EXPECT_TRUE(ParseWithResources({{std::string(limits::kNameBytesMax, 'n'), 1}}).ok());
  EXPECT_FALSE(ParseWithResources({{std::string(limits::kNameBytesMax + 1, 'n'), 1}}).ok());
  std::vector<std::pair<std::string, int64_t>> many;
  for (size_t i = 0; i < limits::kResourceNamesMax; ++i) many.emplace_back(std::to_string(i), 1);
  EXPECT_TRUE(ParseWithResources(many).ok());
  many.emplace_back("one more", 1);
  EXPECT_FALSE(ParseWithResources(many).ok());
}

TEST_F(TaskSpecTest, NumbersBeyondLimitsAreRefused) {
  EXPECT_TRUE(Parse([](Builder& spec) { spec.add_return_count(limits::kReturnsMax); }).ok());
  EXPECT_FALSE(Parse([](Builder& spec) { spec.add_return_count(limits::kReturnsMax + 1); }).ok());
  CallOptions options;
  options.max_retries = -1;
  EXPECT_TRUE(ParseWithOptions(options).ok());
  options.max_retries = -2;
  EXPECT_EQ(ParseWithOptions(options).status().code(), StatusCode::kProtocolError);
  name_ = std::string(limits::kNameBytesMax + 1, 'n');
  EXPECT_FALSE(Parse().ok());
}

TEST_F(TaskSpecTest, AStreamHasAWindowAndOneEnd) {
  const auto parse = [this](uint32_t window, uint32_t returns, protocol::TaskKind kind) {
    CallOptions options;
    options.stream_window = window;
    return ParseWithOptions(options, [&](Builder& spec) {
      spec.add_return_count(returns);
      spec.add_kind(kind);
    });
  };
  EXPECT_TRUE(parse(limits::kStreamWindowMax, 1, protocol::TaskKind::Function).ok());
  EXPECT_FALSE(parse(limits::kStreamWindowMax + 1, 1, protocol::TaskKind::Function).ok());
  EXPECT_FALSE(parse(1, 2, protocol::TaskKind::Function).ok());
  EXPECT_FALSE(parse(1, 0, protocol::TaskKind::Function).ok());
  EXPECT_TRUE(parse(0, 1, protocol::TaskKind::ActorCreation).ok());
  EXPECT_FALSE(parse(1, 1, protocol::TaskKind::ActorCreation).ok());
}

TEST_F(TaskSpecTest, TooManyIdsAreRefused) {
  const std::vector<ObjectId> ids(limits::kIdsPerMessageMax + 1);
  const auto dependencies = ToWire(builder_, ids);
  EXPECT_FALSE(Parse([&](Builder& spec) { spec.add_dependencies(dependencies); }).ok());
  const auto contained = ToWire(builder_, ids);
  EXPECT_FALSE(Parse([&](Builder& spec) { spec.add_contained(contained); }).ok());
}

TEST_F(TaskSpecTest, ArgumentsInTheStoreNeedAnObject) {
  EXPECT_FALSE(Parse([](Builder& spec) { spec.add_args_in_store(true); }).ok());
  const auto dependencies = ToWire(builder_, std::vector<ObjectId>{ExampleId<ObjectId>(4)});
  EXPECT_TRUE(Parse([&](Builder& spec) {
                spec.add_args_in_store(true);
                spec.add_dependencies(dependencies);
              }).ok());
}

TEST_F(TaskSpecTest, ACreationHasOneResultAndSomeConcurrency) {
  const auto name = builder_.CreateString("counter");
  CallOptions options;
  options.max_concurrency = 7;
  Result<TaskSpec> spec = ParseWithOptions(options, [&](Builder& wire) {
    wire.add_kind(protocol::TaskKind::ActorCreation);
    wire.add_actor_name(name);
  });
  ASSERT_TRUE(spec.ok()) << spec.status().ToString();
  EXPECT_EQ(spec->kind, TaskKind::kActorCreation);
  EXPECT_EQ(spec->options.max_concurrency, 7u);
  EXPECT_EQ(spec->actor_name, "counter");
  const auto creation = [&](uint32_t returns, uint32_t concurrency) {
    CallOptions asked;
    asked.max_concurrency = concurrency;
    return ParseWithOptions(asked,
                            [&](Builder& wire) {
                              wire.add_kind(protocol::TaskKind::ActorCreation);
                              wire.add_return_count(returns);
                            })
        .ok();
  };
  EXPECT_TRUE(creation(1, limits::kActorConcurrencyMax));
  EXPECT_FALSE(creation(2, 1));
  EXPECT_FALSE(creation(0, 1));
  EXPECT_FALSE(creation(1, 0));
  EXPECT_FALSE(creation(1, limits::kActorConcurrencyMax + 1));
}

TEST_F(TaskSpecTest, ACallNamesItsActorAndMethod) {
  const TaskId actor = ExampleId<TaskId>(9);
  const auto call = [&](const TaskId* id, const char* name) {
    const auto method = builder_.CreateString(name);
    return Parse([&](Builder& wire) {
             wire.add_kind(protocol::TaskKind::ActorCall);
             if (id != nullptr) wire.add_actor_id(ToWire(*id));
             wire.add_method(method);
           })
        .ok();
  };
  EXPECT_TRUE(call(&actor, "add"));
  EXPECT_FALSE(call(nullptr, "add"));
  EXPECT_FALSE(call(&actor, ""));
  EXPECT_FALSE(
      Parse([](Builder& wire) { wire.add_kind(static_cast<protocol::TaskKind>(9)); }).ok());
}

TEST_F(TaskSpecTest, JunkIsRefused) {
  EXPECT_FALSE(ParseTaskSpec({}).ok());
  alignas(8) const uint8_t junk[64] = {0xff, 0xff, 0xff, 0x7f, 1, 2, 3};
  EXPECT_EQ(ParseTaskSpec(junk).status().code(), StatusCode::kProtocolError);
}

}  // namespace
}  // namespace rayx
