#include "cluster/wire_values.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace rayx::cluster {
namespace {

TEST(SharedBytes, AreNotCopied) {
  std::vector<uint8_t> bytes = {1, 2, 3};
  const uint8_t* place = bytes.data();
  const SharedBytes shared = SharedBytes::Of(std::move(bytes));
  const SharedBytes again = shared;
  EXPECT_EQ(again.span().data(), place);
  EXPECT_EQ(again.size(), 3u);
  EXPECT_EQ(SharedBytes().size(), 0u);
}

TEST(SharedBytes, KeepWhateverHoldsThem) {
  const auto owner = std::make_shared<const std::string>("abc");
  const SharedBytes shared({owner, reinterpret_cast<const uint8_t*>(owner->data())}, owner->size());
  EXPECT_EQ(owner.use_count(), 2);
  EXPECT_EQ(shared.span()[2], 'c');
}

TEST(TextOf, EachReasonHasItsOwn) {
  std::set<std::string_view> texts;
  for (size_t i = 0; i < kEndReasons; ++i) texts.insert(TextOf(static_cast<EndReason>(i)));
  EXPECT_EQ(texts.size(), kEndReasons);
  EXPECT_FALSE(texts.contains("unknown"));
}

TEST(TextOf, NoticesSayWhatIsInThem) {
  EXPECT_EQ(TextOf(Notice(Hello{NodeId(), NodeId(), 4, 3, 2, 9})), "hello 3/2/9 of session 4");
  EXPECT_EQ(TextOf(Notice(Welcome{3, 7})), "welcome 3/7");
  EXPECT_EQ(TextOf(Notice(Refusal{RefusalReason::kSessionEnded, 4})), "refusal: ended is 4");
  EXPECT_EQ(TextOf(Notice(Refusal{RefusalReason::kAnotherNode})), "refusal: another node");
  EXPECT_EQ(TextOf(Notice(Refusal{RefusalReason::kDeclaredDead})), "refusal: declared dead");
  EXPECT_EQ(TextOf(Notice(Acknowledgement{5})), "processed 5");
  EXPECT_EQ(TextOf(Notice(Farewell{EndReason::kSilent})), "farewell: silent");
}

}  // namespace
}  // namespace rayx::cluster
