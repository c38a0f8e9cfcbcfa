#include "core/formats/nf4.h"

#include "core/formats/hf_source.h"
#include "tests/formats/support.h"

namespace hone::formats {
namespace {

Nf4Tensor read_layer(const SafetensorsFile& file, const std::string& name) {
  return read_nf4(
      name, [&](const std::string& part) { return file.find(part); }, file.path());
}

std::vector<float> decode_all(const Nf4Tensor& tensor) {
  std::vector<float> values(static_cast<std::size_t>(elements_of(tensor.info)));
  decode_nf4(tensor.parts, 0, elements_of(tensor.info), values.data());
  return values;
}

TEST(Nf4, AModelQuantisedByTransformersReadsAsBitsandbytesDequantisesIt) {
  const ModelFiles model = open_model(golden("nf4"));
  EXPECT_EQ(hashes_of(*model.tensors), expected_hashes("nf4/expected.json"));
  const TensorInfo& info = *model.tensors->find("model.layers.1.mlp.up_proj.weight");
  EXPECT_EQ(info.dtype, DType::nf4);
  EXPECT_EQ(info.shape, (std::vector<std::int64_t>{64, 32}));
  const auto parts = model.tensors->nf4(info);
  ASSERT_TRUE(parts.has_value());
  EXPECT_EQ(parts->dtype, "bfloat16");
  EXPECT_EQ(parts->codes.size(), 64u * 32 / 2);
  EXPECT_EQ(parts->absmax.size(), 32u);
  EXPECT_EQ(parts->nested_absmax.size(), 4u);
  EXPECT_FALSE(model.tensors->nf4(*model.tensors->find("lm_head.weight")).has_value());
}

TEST(Nf4, LoneLayersNestedOrNotAndWithABrokenLastBlockDecodeExactly) {
  const SafetensorsFile file(golden("nf4_layers.safetensors"));
  for (const auto& [name, hash] : expected_hashes("nf4_layers.json"))
    EXPECT_EQ(fnv(decode_all(read_layer(file, name))), hash) << name;
}

TEST(Nf4, AnyRangeIsThatPartOfTheWhole) {
  const SafetensorsFile file(golden("nf4_layers.safetensors"));
  const Nf4Tensor odd = read_layer(file, "odd");
  const std::vector<float> whole = decode_all(odd);
  const auto count = static_cast<std::int64_t>(whole.size());
  for (std::int64_t begin = 0; begin < count; begin += 13)
    for (const std::int64_t end : {begin, begin + 1, begin + 2, begin + 50, begin + 51, begin + 130}) {
      if (end > count) continue;
      std::vector<float> part(static_cast<std::size_t>(end - begin));
      decode_nf4(odd.parts, begin, end, part.data());
      ASSERT_EQ(part, std::vector<float>(whole.begin() + begin, whole.begin() + end)) << begin << " " << end;
    }
}

TEST(Nf4, WritesTheTensorsThatBitsandbytesWrote) {
  const Scratch scratch;
  const SafetensorsFile original(golden("nf4_layers.safetensors"));
  for (const std::string name : {"plain", "odd", "zero"}) {
    const Nf4Tensor tensor = read_layer(original, name);
    const bool nested = !tensor.parts.nested_absmax.empty();
    const Nf4Form form{tensor.info.shape, tensor.parts.dtype, tensor.parts.block_size,
                       nested ? tensor.parts.nested_block_size : 0, tensor.parts.nested_offset};
    const std::string state = nf4_state_json(form);
    SafetensorsWriter writer(scratch / "out.safetensors", nf4_tensor_infos(name, form));
    for (const auto bytes : nf4_tensor_bytes(tensor.parts, state)) writer.write(bytes);
    writer.finish();
    const SafetensorsFile copy(scratch / "out.safetensors");
    std::size_t parts = 0;
    for (const SafetensorsEntry& entry : original.entries()) {
      if (entry.info.name != name && !entry.info.name.starts_with(name + ".")) continue;
      const SafetensorsEntry* written = copy.find(entry.info.name);
      ASSERT_NE(written, nullptr) << entry.info.name;
      EXPECT_EQ(written->info.shape, entry.info.shape) << entry.info.name;
      EXPECT_EQ(written->info.dtype, entry.info.dtype) << entry.info.name;
      EXPECT_TRUE(std::ranges::equal(written->bytes, entry.bytes)) << entry.info.name;
      ++parts;
    }
    EXPECT_EQ(copy.entries().size(), parts);
  }
}

TEST(Nf4, NumbersInTheStatePrintAsPythonPrintsThem) {
  const auto offset = [](float value) {
    const std::string json = nf4_state_json({{1, 2}, "float32", 64, 256, value});
    const std::size_t at = json.rfind(": ") + 2;
    return json.substr(at, json.size() - at - 1);
  };
  EXPECT_EQ(offset(0.0f), "0.0");
  EXPECT_EQ(offset(2.0f), "2.0");
  EXPECT_EQ(offset(0.1f), "0.10000000149011612");
  EXPECT_EQ(offset(1e-5f), "9.999999747378752e-06");
  EXPECT_EQ(offset(1e-4f), "9.999999747378752e-05");
  EXPECT_EQ(offset(0.00012207031f), "0.0001220703125");
  EXPECT_EQ(offset(-0.03125f), "-0.03125");
}

// The file of lone layers with one tensor or the state of "odd" changed.
std::string code_with(const std::function<void(std::map<std::string, SafetensorsEntry>&)>& change) {
  const Scratch scratch;
  const SafetensorsFile original(golden("nf4_layers.safetensors"));
  std::map<std::string, SafetensorsEntry> entries;
  for (const SafetensorsEntry& entry : original.entries())
    if (entry.info.name.starts_with("odd")) entries.emplace(entry.info.name, entry);
  change(entries);
  std::vector<TensorInfo> infos;
  for (auto& [name, entry] : entries) {
    entry.info.name = name;
    infos.push_back(entry.info);
  }
  SafetensorsWriter writer(scratch / "model.safetensors", infos);
  for (const auto& [name, entry] : entries) writer.write(entry.bytes);
  writer.finish();
  return code_of([&] { make_hf_source(scratch.path()); });
}

TEST(Nf4, APartMissingOrOfTheWrongKindIsNamed) {
  const auto cut = [](const std::string& name, std::int64_t bytes, std::int64_t elements) {
    return [=](auto& entries) {
      entries.at(name).bytes = entries.at(name).bytes.first(static_cast<std::size_t>(bytes));
      entries.at(name).info.shape = {elements};
    };
  };
  EXPECT_EQ(code_with([](auto&) {}), "none");
  for (const char* name : {"odd", "odd.absmax", "odd.quant_map", "odd.nested_absmax", "odd.nested_quant_map"})
    EXPECT_EQ(code_with([&](auto& entries) { entries.erase(name); }), "NF001") << name;
  EXPECT_EQ(code_with(cut("odd", 402, 402)), "NF005");
  EXPECT_EQ(code_with(cut("odd.absmax", 12, 12)), "NF005");
  EXPECT_EQ(code_with(cut("odd.quant_map", 60, 15)), "NF005");
  EXPECT_EQ(code_with(cut("odd.nested_quant_map", 1020, 255)), "NF005");
  EXPECT_EQ(code_with([](auto& entries) { entries.at("odd").info.dtype = DType::i8; }), "NF005");
  EXPECT_EQ(code_with([](auto& entries) {
              entries.at("odd.quant_map").bytes = entries.at("odd.nested_quant_map").bytes.first(64);
            }),
            "NF006");
}

TEST(Nf4, AStateThatDoesNotFitIsRefused) {
  const auto with_state = [](const std::string& text) {
    return code_with([&](auto& entries) {
      SafetensorsEntry& state = entries.at("odd" + std::string(kNf4StateSuffix));
      state.bytes = std::as_bytes(std::span(text));
      state.info.shape = {static_cast<std::int64_t>(text.size())};
    });
  };
  const Nf4Form form{{23, 35}};
  const auto replaced = [&](const std::string& from, const std::string& to) {
    std::string text = nf4_state_json(form);
    text.replace(text.find(from), from.size(), to);
    return with_state(text);
  };
  EXPECT_EQ(with_state(nf4_state_json(form)), "none");
  EXPECT_EQ(with_state(""), "NF002");
  EXPECT_EQ(with_state("[]"), "NF004");
  EXPECT_EQ(with_state("{}"), "NF002");
  EXPECT_EQ(replaced("\"nf4\"", "\"fp4\""), "NF006");
  EXPECT_EQ(replaced("64", "63"), "NF003");
  EXPECT_EQ(replaced("64", "0"), "NF003");
  EXPECT_EQ(replaced("64", "128"), "NF005");
  EXPECT_EQ(replaced("[23, 35]", "[23, 36]"), "NF005");
  EXPECT_EQ(replaced("[23, 35]", "[23, -35]"), "NF003");
  EXPECT_EQ(replaced("[23, 35]", "[805]"), "NF003");
  EXPECT_EQ(replaced("[23, 35]", "null"), "NF003");
  EXPECT_EQ(replaced("[23, 35]", "[9223372036854775807, 9223372036854775807]"), "ST008");
  EXPECT_EQ(replaced("256", "0"), "NF003");
  EXPECT_EQ(replaced("nested_offset", "nested_other"), "NF002");
  EXPECT_EQ(replaced("nested_dtype\": \"float32", "nested_dtype\": \"float16"), "NF006");
}

}  // namespace
}  // namespace hone::formats
