#pragma once
// A model with some of its tensors replaced before anything is built from it: more rows of vocabulary, a head of its
// own, whole modules out of an adapter. The weights stay where they are; only means are computed.
#include "core/formats/peft.h"
#include "core/formats/tensor_source.h"

namespace hone::formats {

// Embedding and head with `vocab_size` rows (not fewer than they have); a new row is the mean of all old ones, in fp64.
// transformers' resize_token_embeddings draws new rows around that mean with a covariance of 1e-9 times the old rows':
// here they start equal, and training parts them.
ModelFiles with_vocabulary(ModelFiles model, std::int64_t vocab_size);

// A head of its own, a copy of the embedding; nothing changes where it has one.
ModelFiles untied(ModelFiles model);

// The modules that the adapter holds whole (its modules_to_save) in place of the model's own. An embedding of other
// rows than the model's changes the vocabulary's size; a tied embedding or head is untied first, as PEFT does. AD013
// (exit 3) where one does not fit. `adapter` must outlive the model.
ModelFiles with_saved_modules(ModelFiles model, const PeftAdapter& adapter);

}  // namespace hone::formats
