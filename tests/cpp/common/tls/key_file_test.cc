#include "common/tls/key_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace rayx {
namespace {

constexpr const char* kText =
    "rayx-key-1-000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f-20814e8c\n";

class KeyFileTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = std::filesystem::temp_directory_path() / "rayx-key-XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    directory_ = name;
    path_ = name + "/cluster.key";
    Write(kText);
    ASSERT_EQ(::chmod(path_.c_str(), 0600), 0);
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  void Write(const std::string& text) const { std::ofstream(path_, std::ios::binary) << text; }
  // Why it is not taken; empty if it is.
  std::string Refusal() const {
    const Result<ClusterKey> key = ReadKeyFile(path_);
    if (key.ok()) return "";
    EXPECT_EQ(key.status().message().find("0102030405"), std::string::npos);
    return key.status().message();
  }
  void ExpectRefusal(const std::string& words) const {
    EXPECT_NE(Refusal().find(words), std::string::npos) << Refusal();
  }

  std::string directory_;
  std::string path_;
};

TEST_F(KeyFileTest, ReadsAKey) {
  const Result<ClusterKey> key = ReadKeyFile(path_);
  ASSERT_TRUE(key.ok()) << key.status().message();
  for (size_t i = 0; i < ClusterKey::kBytes; ++i) EXPECT_EQ(key->bytes()[i], i);
  ASSERT_EQ(::chmod(path_.c_str(), 0400), 0);
  EXPECT_EQ(Refusal(), "");
}

TEST_F(KeyFileTest, RefusesWhatOthersMayRead) {
  for (const mode_t mode : {0644u, 0640u, 0604u, 0620u, 0601u}) {
    ASSERT_EQ(::chmod(path_.c_str(), mode), 0);
    ExpectRefusal("`chmod 600 " + path_ + "`");
  }
}

TEST_F(KeyFileTest, RefusesADirectoryThatOthersMayWrite) {
  for (const mode_t mode : {0777u, 0722u, 01777u, 0770u}) {
    ASSERT_EQ(::chmod(directory_.c_str(), mode), 0);
    ExpectRefusal("others can write its directory");
  }
  ASSERT_EQ(::chmod(directory_.c_str(), 0755), 0);
  EXPECT_EQ(Refusal(), "");
}

TEST_F(KeyFileTest, RefusesWhatIsNoFile) {
  const std::string real = directory_ + "/real";
  std::filesystem::rename(path_, real);
  std::filesystem::create_symlink("real", path_);
  ExpectRefusal("it is a symbolic link");
  std::filesystem::remove(path_);
  std::filesystem::create_directory(path_);
  ExpectRefusal("it is not a file");
  std::filesystem::remove(path_);
  ASSERT_EQ(::mkfifo(path_.c_str(), 0600), 0);
  ExpectRefusal("it is not a file");
  std::filesystem::remove(path_);
  EXPECT_EQ(ReadKeyFile(path_).status().code(), StatusCode::kNotFound);
  EXPECT_EQ(ReadKeyFile(directory_ + "/no/such").status().code(), StatusCode::kNotFound);
}

TEST_F(KeyFileTest, RefusesWhatIsNoKey) {
  Write("");
  ExpectRefusal("it is empty");
  Write("12345");
  ExpectRefusal("it does not begin with");
  Write(std::string(kText).substr(0, 50));
  ExpectRefusal("it has 50 characters");
  Write(std::string(1 << 20, 'x'));
  ExpectRefusal("it does not begin with");
  Write(std::string(kText) + std::string(1 << 20, 'x'));
  ExpectRefusal("it has 4097 characters");
}

TEST_F(KeyFileTest, RefusesWhatBelongsToSomebodyElse) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give files away";
  ASSERT_EQ(::chown(path_.c_str(), 65534, static_cast<gid_t>(-1)), 0);
  ExpectRefusal("it belongs to user 65534");
  ASSERT_EQ(::chown(path_.c_str(), 0, static_cast<gid_t>(-1)), 0);
  ASSERT_EQ(::chown(directory_.c_str(), 65534, static_cast<gid_t>(-1)), 0);
  ExpectRefusal("its directory belongs to user 65534");
}

}  // namespace
}  // namespace rayx
