#include <sys/stat.h>

#include "fixture.h"

namespace hone::checkpoint::testing {
namespace {

namespace fs = std::filesystem;

class Damage : public ::testing::Test {
 protected:
  Damage() {
    run_.tensors.resize(1);
    save(folder_.path(), 2, run_.state(10));
    save(folder_.path(), 2, run_.state(20));
  }
  std::string newest() const { return folder_ / "step-00000020"; }
  std::vector<std::string> files() const { return list_directory(newest()); }
  std::string verify_code() const {
    return code_of([&] { verify_checkpoint(newest()); }, &message_);
  }
  // The newest is refused with `code` by a line that names `name`, and the one before it is used.
  void expect_refused(const std::string& code, const std::string& name) {
    EXPECT_EQ(verify_code(), code);
    EXPECT_NE(message_.find(name), std::string::npos) << message_;
    std::vector<std::string> warnings;
    EXPECT_EQ(newest_good(folder_.path(), &warnings), folder_ / "step-00000010");
    ASSERT_EQ(warnings.size(), 1u);
    EXPECT_NE(warnings[0].find("trying step-00000010"), std::string::npos);
  }

  SampleRun run_;
  TemporaryFolder folder_;
  mutable std::string message_;
};

TEST_F(Damage, WholeCheckpointIsGoodAndSummarised) {
  const Json summary = verify_checkpoint(newest());
  EXPECT_EQ(summary["step"], 20);
  EXPECT_EQ(summary["world_size"], 2);
  EXPECT_EQ(summary["files"], 2);
  EXPECT_EQ(summary["parameters"], 70 + 132 + 65 + 3);
  EXPECT_EQ(newest_good(folder_.path()), newest());
}

TEST_F(Damage, EveryByteOfEveryFileIsCovered) {
  int undetected = 0, flips = 0;
  for (const std::string& name : files()) {
    const std::string path = newest() + "/" + name;
    const std::string good = read_bytes(path);
    std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
    for (std::size_t i = 0; i < good.size(); ++i, ++flips) {
      const auto put = [&](char byte) {
        file.seekp(static_cast<std::streamoff>(i));
        file.put(byte).flush();
      };
      put(static_cast<char>(good[i] ^ (1 << (i % 8))));
      if (verify_code().empty()) ++undetected;
      put(good[i]);
    }
  }
  EXPECT_EQ(undetected, 0) << "of " << flips;
  EXPECT_GT(flips, 2000);
  EXPECT_EQ(verify_code(), "");
}

TEST_F(Damage, EveryTruncationIsRefused) {
  for (const std::string& name : files()) {
    const std::string path = newest() + "/" + name;
    const std::string good = read_bytes(path);
    for (std::size_t length = 0; length < good.size(); length += 1 + length / 16) {
      fs::resize_file(path, length);
      EXPECT_NE(verify_code(), "") << name << " cut to " << length;
      write_bytes(path, good);
    }
  }
  EXPECT_EQ(verify_code(), "");
}

TEST_F(Damage, ReadingChecksTheDigestBeforeAnythingElse) {
  const std::string path = newest() + "/rank-00001-00000.h5";
  std::string bytes = read_bytes(path);
  bytes[bytes.size() / 2] ^= 4;
  write_bytes(path, bytes);
  EXPECT_EQ(code_of([&] { read_whole(newest(), run_.tensors[0].spec); }, &message_), "CK005");
  EXPECT_NE(message_.find("rank-00001-00000.h5"), std::string::npos);
  expect_refused("CK005", "rank-00001-00000.h5");
}

TEST_F(Damage, MissingShardIsNamed) {
  fs::remove(newest() + "/rank-00000-00000.h5");
  expect_refused("CK006", "rank-00000-00000.h5");
}

TEST_F(Damage, MissingManifestIsNoCheckpoint) {
  fs::remove(newest() + "/manifest.json");
  expect_refused("CK001", "step-00000020");
}

TEST_F(Damage, EmptyManifestIsDamaged) {
  write_bytes(newest() + "/manifest.json", "");
  expect_refused("CK002", "manifest.json");
}

TEST_F(Damage, ManifestThatIsAFolderIsNoCheckpoint) {
  fs::remove(newest() + "/manifest.json");
  fs::create_directory(newest() + "/manifest.json");
  expect_refused("CK001", "step-00000020");
}

TEST_F(Damage, SwappedShardsAreRefused) {
  const std::string a = newest() + "/rank-00000-00000.h5", b = newest() + "/rank-00001-00000.h5";
  const std::string bytes = read_bytes(a);
  write_bytes(a, read_bytes(b));
  write_bytes(b, bytes);
  expect_refused("CK005", "rank-0000");
}

TEST_F(Damage, ShardOfAnotherRunIsRefused) {
  SampleRun other(2);
  other.tensors.resize(1);
  const TemporaryFolder elsewhere;
  save(elsewhere.path(), 2, other.state(20));
  fs::copy_file(elsewhere / "step-00000020/rank-00001-00000.h5", newest() + "/rank-00001-00000.h5",
                fs::copy_options::overwrite_existing);
  expect_refused("CK005", "rank-00001-00000.h5");
}

TEST_F(Damage, FileThatTheManifestDoesNotNameIsRefused) {
  write_bytes(newest() + "/rank-00002-00000.h5", "x");
  expect_refused("CK007", "rank-00002-00000.h5");
}

TEST_F(Damage, ShardThatIsAFolderOrAPipeIsRefusedWithoutHanging) {
  const std::string path = newest() + "/rank-00000-00000.h5";
  fs::remove(path);
  fs::create_directory(path);
  expect_refused("CK005", "rank-00000-00000.h5");
  fs::remove(path);
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  expect_refused("CK005", "rank-00000-00000.h5");
}

TEST_F(Damage, FolderUnderAnotherStepsNameIsRefused) {
  fs::rename(newest(), folder_ / "step-00000099");
  EXPECT_EQ(code_of([&] { verify_checkpoint(folder_ / "step-00000099"); }), "CK003");
  fs::rename(folder_ / "step-00000099", folder_ / "a-copy");
  EXPECT_EQ(code_of([&] { verify_checkpoint(folder_ / "a-copy"); }), "");
}

TEST_F(Damage, FolderThatIsNoCheckpointIsRefused) {
  EXPECT_EQ(code_of([&] { verify_checkpoint(folder_.path()); }, &message_), "CK001");
  EXPECT_EQ(code_of([&] { verify_checkpoint("/nowhere/at/all"); }), "CK001");
}

TEST_F(Damage, WhereAllAreDamagedNoneIsWrittenOver) {
  for (const std::string step : {"step-00000010", "step-00000020"})
    write_bytes(folder_ / (step + "/manifest.json"), "{");
  std::vector<std::string> warnings;
  EXPECT_EQ(code_of([&] { newest_good(folder_.path(), &warnings); }, &message_), "CK016");
  EXPECT_EQ(warnings.size(), 2u);
}

TEST_F(Damage, RanksShareTheFilesAndAgree) {
  const std::string path = newest() + "/rank-00001-00000.h5";
  const auto found_by = [&](int ranks) {
    std::vector<std::string> found(static_cast<std::size_t>(ranks));
    dist::run_ranks(ranks, [&](Communicator& comm) {
      found[static_cast<std::size_t>(comm.rank())] =
          CheckpointStore(folder_.path(), comm).newest_good().value_or("none");
    });
    return found;
  };
  EXPECT_EQ(found_by(3), std::vector<std::string>(3, newest()));
  std::string bytes = read_bytes(path);
  bytes[bytes.size() / 2] ^= 4;
  write_bytes(path, bytes);
  for (const int ranks : {1, 2, 3})
    EXPECT_EQ(found_by(ranks),
              std::vector<std::string>(static_cast<std::size_t>(ranks), folder_ / "step-00000010"));
}

}  // namespace
}  // namespace hone::checkpoint::testing
