#include "model/weights.h"

#include <cstring>

#include "base/error.h"
#include "base/ledger.h"
#include "base/threads.h"

namespace minke {
Weights::Weights(const ModelConfig& config, const Recipe& recipe, WeightUse use)
    : recipe_(recipe), compute_(recipe.compute), use_(use), absorbed_in_use_(use == WeightUse::kInference) {
  for (ParameterSpec& spec : parameter_list(config)) {
    if (!spec.copy_of.empty()) continue;
    by_name_[spec.name] = specs_.size();
    offsets_.push_back(flat_size_);
    flat_size_ += spec.elements();
    specs_.push_back(std::move(spec));
  }
  if (!training()) return;
  {
    const MemoryScope kind(MemoryKind::kMasters);
    masters_.resize(size_t(flat_size_) * 4);
  }
  const MemoryScope kind(MemoryKind::kGradients);
  gradients_.resize(size_t(flat_size_) * 4);
}

// Zeroed. Small ones share blocks that are large enough for huge pages: a decoding step walks all of them, and each would miss the TLB.
void* Weights::allocate(int64_t bytes) {
  constexpr int64_t kSmall = 1 << 20;
  const MemoryScope kind(MemoryKind::kPackedWeights);
  return bytes < kSmall ? small_.take(size_t(bytes)) : blocks_.emplace_back(size_t(bytes)).data();
}

size_t Weights::index(const std::string& name) const {
  const auto it = by_name_.find(name);
  if (it == by_name_.end()) fail("{}: no such parameter in this model", name);
  return it->second;
}

float* Weights::master(const std::string& name) const { return masters() + offsets_[index(name)]; }
float* Weights::gradient(const std::string& name) const { return training() ? gradients() + offsets_[index(name)] : nullptr; }

float* Weights::gradient_of(const std::vector<std::string>& names) const {
  int64_t end = -1;
  for (const std::string& name : names) {  // fused parts must be neighbours
    const size_t i = index(name);
    if (end >= 0) MINKE_CHECK_EQ(offsets_[i], end);
    end = offsets_[i] + specs_[i].elements();
  }
  return gradient(names[0]);
}

Linear Weights::linear(const std::vector<std::string>& names, int64_t in, int64_t out) {
  auto form = std::make_unique<Form>();
  form->kind = Form::kPacked;
  int64_t rows = 0;
  for (const std::string& name : names) {
    form->parts.push_back(index(name));
    const ParameterSpec& spec = specs_[form->parts.back()];
    MINKE_CHECK_EQ(spec.shape.back(), in);
    rows += spec.shape[0];
  }
  MINKE_CHECK_EQ(rows, out);
  form->in = in;
  form->out = out;
  form->forward = allocate(packed_b_bytes(compute_, in, out));
  if (training()) form->backward = allocate(packed_b_bytes(compute_, out, in));
  form->fp8 = recipe_.fp8() && published_in_fp8(specs_[form->parts[0]]);
  const Linear result{in, out, compute_, form->forward, form->backward, training() ? gradient_of(names) : nullptr, form->fp8 ? &recipe_ : nullptr};
  forms_.push_back(std::move(form));
  return result;
}

Norm Weights::norm(const std::string& name, int64_t n, float eps) {
  auto form = std::make_unique<Form>();
  form->kind = Form::kVector;
  form->parts = {index(name)};
  form->in = n;
  form->forward = allocate(n * 4);
  const Norm result{n, eps, static_cast<const float*>(form->forward), gradient(name)};
  forms_.push_back(std::move(form));
  return result;
}

const float* Weights::router(const std::string& name, float** dw) {
  auto form = std::make_unique<Form>();
  form->kind = Form::kVector;
  form->parts = {index(name)};
  form->in = specs_[form->parts[0]].elements();
  form->forward = allocate(form->in * 4);
  *dw = gradient(name);
  const auto* result = static_cast<const float*>(form->forward);
  forms_.push_back(std::move(form));
  return result;
}

const float* Weights::router_bias(const std::string& name) {
  float* ignored = nullptr;
  const float* result = router(name, &ignored);
  forms_.back()->rounded = false;
  return result;
}

const void* Weights::table(const std::string& name, float** dw) {
  auto form = std::make_unique<Form>();
  form->kind = Form::kTable;
  form->parts = {index(name)};
  form->in = specs_[form->parts[0]].elements();
  form->forward = allocate(form->in * int64_t(dtype_bytes(compute_)));
  *dw = gradient(name);
  const void* result = form->forward;
  forms_.push_back(std::move(form));
  return result;
}

std::pair<const void* const*, const void* const*> Weights::absorbed(const std::string& name, int64_t heads, int64_t nope, int64_t v, int64_t rank) {
  auto form = std::make_unique<Form>();
  form->kind = Form::kAbsorbed;
  form->fp8 = recipe_.fp8() && published_in_fp8(specs_[index(name)]);
  form->parts = {index(name)};
  form->in = rank;
  form->nope = nope;
  form->v = v;
  form->per_head_uk.resize(size_t(heads));  // where the layers look, so never moved again
  form->per_head_uv.resize(size_t(heads));
  if (absorbed_in_use_) allocate_absorbed(*form);
  const std::pair<const void* const*, const void* const*> result{form->per_head_uk.data(), form->per_head_uv.data()};
  forms_.push_back(std::move(form));
  return result;
}

void Weights::allocate_absorbed(Form& form) {
  for (void*& w : form.per_head_uk) w = allocate(packed_b_bytes(compute_, form.nope, form.in));
  for (void*& w : form.per_head_uv) w = allocate(packed_b_bytes(compute_, form.in, form.v));
}

void Weights::use_absorbed() {
  if (absorbed_in_use_) return;
  absorbed_in_use_ = true;
  const ParameterSource source = [this](const ParameterSpec& spec) { return master_values(spec); };
  for (const auto& form : forms_) {
    if (form->kind != Form::kAbsorbed) continue;
    allocate_absorbed(*form);
    fill_form(*form, source);
  }
}

// A matrix's parts one after another, rounded to FP8 in blocks counted from each part's first element, as a saved model stores them.
const bf16* Weights::round_to_fp8(const Form& form, const std::vector<ParameterValues>& values, Arena& arena) const {
  int64_t elements = 0;
  for (size_t part : form.parts) elements += specs_[part].elements();
  bf16* const all = arena.take<bf16>(elements);
  bf16* y = all;
  for (size_t i = 0; i < values.size(); ++i) {
    const std::vector<int64_t>& shape = specs_[form.parts[i]].shape;
    const FakeQuantise q{recipe_.forward, values[i].dtype, shape[0], shape[1], values[i].data, shape[1], y};
    recipe_.scope == Fp8Scope::kTensor ? fake_quantise_whole(q) : fake_quantise(q, kFp8WeightBlock);
    y += shape[0] * shape[1];
  }
  return all;
}

ParameterValues Weights::master_values(const ParameterSpec& spec) const { return {DType::kF32, master(spec.name)}; }

void Weights::fill_form(const Form& form, const ParameterSource& source) const {
  ArenaScope scope(thread_arena());
  std::vector<ParameterValues> values;
  for (size_t part : form.parts) values.push_back(source(specs_[part]));
  if (form.fp8 && (form.kind != Form::kAbsorbed || absorbed_in_use_)) values = {{DType::kBF16, round_to_fp8(form, values, thread_arena())}};
  if (dry_run()) return;
  const ParameterValues first = values[0];
  const auto bytes_of = [&](size_t i) { return size_t(specs_[form.parts[i]].elements()) * dtype_bytes(values[i].dtype); };

  switch (form.kind) {
    case Form::kPacked: {
      const void* data = first.data;
      if (values.size() == 2 && static_cast<const char*>(first.data) + bytes_of(0) != values[1].data) {
        MINKE_CHECK(values[0].dtype == values[1].dtype);
        char* joined = thread_arena().take<char>(int64_t(bytes_of(0) + bytes_of(1)));
        std::memcpy(joined, values[0].data, bytes_of(0));
        std::memcpy(joined + bytes_of(0), values[1].data, bytes_of(1));
        data = joined;
      }
      pack_b(compute_, form.in, form.out, data, first.dtype, 1, form.in, form.forward);
      if (form.backward) pack_b(compute_, form.out, form.in, data, first.dtype, form.in, 1, form.backward);
      return;
    }
    case Form::kTable:
      convert(first.dtype, first.data, compute_, form.forward, form.in);
      return;
    case Form::kVector: {
      auto* out = static_cast<float*>(form.forward);
      convert(first.dtype, first.data, DType::kF32, out, form.in);
      if (compute_ == DType::kBF16 && form.rounded)
        for (int64_t i = 0; i < form.in; ++i) out[i] = bf16_round(out[i]);
      return;
    }
    case Form::kAbsorbed: {
      if (!absorbed_in_use_) return;
      const size_t size = dtype_bytes(first.dtype);
      const int64_t head_rows = form.nope + form.v;
      for (size_t h = 0; h < form.per_head_uk.size(); ++h) {
        const char* w = static_cast<const char*>(first.data) + h * size_t(head_rows * form.in) * size;
        pack_b(compute_, form.nope, form.in, w, first.dtype, form.in, 1, form.per_head_uk[h]);
        pack_b(compute_, form.in, form.v, w + size_t(form.nope * form.in) * size, first.dtype, 1, form.in, form.per_head_uv[h]);
      }
      return;
    }
  }
}

void Weights::fill(const ParameterSource& source) {
  if (training()) {
    for (size_t i = 0; i < specs_.size(); ++i) {
      const ParameterValues v = source(specs_[i]);
      convert(v.dtype, v.data, DType::kF32, masters() + offsets_[i], specs_[i].elements());
    }
    refresh();
    return;
  }
  for (const auto& form : forms_) fill_form(*form, source);
}

void Weights::refresh() {
  MINKE_CHECK(training());
  const KernelScope kernel("round and pack", 0, double(flat_size_) * double(4 + 2 * dtype_bytes(compute_)));
  if (kernel.dry() && !recipe_.fp8()) return;
  const ParameterSource source = [this](const ParameterSpec& spec) { return master_values(spec); };
  parallel_for(int64_t(forms_.size()), [&](int64_t i) { fill_form(*forms_[size_t(i)], source); });
}

}  // namespace minke
