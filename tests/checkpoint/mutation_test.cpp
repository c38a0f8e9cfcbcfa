// Seeded random damage to checkpoints: see tests/base/mutation.h. Every byte has its digest, so that no
// damaged checkpoint at all may be accepted; the forged ones, digests made right again, must not crash a
// reader.
#include "tests/base/mutation.h"

#include "checkpoint/digest.h"
#include "checkpoint/shard_file.h"
#include "fixture.h"

namespace hone::checkpoint::testing {
namespace {

constexpr const char* kShard = "rank-00001-00000.h5";

// A checkpoint of two ranks in which one file changes from variant to variant.
class CheckpointWith {
 public:
  explicit CheckpointWith(const std::string& file) : file_(path() + "/" + file) {
    save(folder_.path(), 2, run.state(20));
    good = read_bytes(file_);
  }
  std::string path() const { return folder_ / "step-00000020"; }
  void set(const std::string& bytes) const { write_bytes(file_, bytes); }
  void read() const {
    verify_checkpoint(path());
    expect_holds(path(), run);
  }

  SampleRun run;
  std::string good;

 private:
  TemporaryFolder folder_;
  std::string file_;
};

// Nothing but the very bytes that were written is accepted.
mutation::Tally run_damage(const char* format, CheckpointWith& checkpoint) {
  return mutation::run(
      format,
      [&](std::uint32_t round) {
        const std::string bytes = mutation::damaged(checkpoint.good, round);
        checkpoint.set(bytes);
        checkpoint.read();
        ASSERT_EQ(bytes, checkpoint.good) << "damage accepted in round " << round;
      },
      Exit::checkpoint);
}

TEST(Mutations, ShardFile) {
  CheckpointWith checkpoint(kShard);
  run_damage("checkpoint shards", checkpoint);
}

TEST(Mutations, Manifest) {
  CheckpointWith checkpoint(kManifestName);
  run_damage("checkpoint manifest", checkpoint);
}

TEST(Mutations, ForgedManifest) {
  CheckpointWith checkpoint(kManifestName);
  std::string head = checkpoint.good;
  head.resize(head.size() - manifest_last_line("").size());
  const std::string whole = head.substr(0, head.rfind(',')) + "}";  // without the digest: JSON again
  mutation::run(
      "manifest, forged",
      [&](std::uint32_t round) {
        std::string text = mutation::damaged_text_or_json(whole, round);
        text = text.substr(0, text.rfind('}')) + ",\n";
        checkpoint.set(text + manifest_last_line(text));
        verify_checkpoint(checkpoint.path());
        const LoadedCheckpoint loaded(checkpoint.path());
        for (const StateSpec& tensor : loaded.manifest().tensors) read_whole(checkpoint.path(), tensor);
      },
      Exit::checkpoint);
}

TEST(Mutations, ForgedShardFile) {
  CheckpointWith checkpoint(kShard);
  const Manifest manifest = LoadedCheckpoint(checkpoint.path()).manifest();
  const auto find = [](const auto& list, const std::string& name) {
    return *std::ranges::find_if(list, [&](const auto& item) { return item.name == name; });
  };
  FileEntry entry = find(manifest.files, kShard);
  mutation::run(
      "checkpoint shards, forged",
      [&](std::uint32_t round) {
        const std::string bytes = mutation::damaged(checkpoint.good, round, 1024);
        checkpoint.set(bytes);
        entry.size = std::ssize(bytes);
        entry.digest = xxh3_hex(std::as_bytes(std::span(bytes)));
        check_shard_file(checkpoint.path(), entry);
        const ShardReader reader(checkpoint.path(), entry);
        reader.check_schema(entry, manifest);
        for (const FilePart& part : entry.parts) {
          const StateType type = find(manifest.tensors, part.tensor).type;
          Bytes values(static_cast<std::size_t>(part.values() * size_of(type)));
          reader.read(part, type, 0, part.values(), values.data());
        }
      },
      Exit::checkpoint);
}

}  // namespace
}  // namespace hone::checkpoint::testing
