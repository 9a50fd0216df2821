#include "base/ledger.h"

#include "base/error.h"

namespace minke {

thread_local constinit Ledger* Ledger::current_ = nullptr;

Ledger::Ledger() {
  MINKE_CHECK(current_ == nullptr);
  current_ = this;
}

Ledger::~Ledger() { current_ = nullptr; }

Ledger::Row& Ledger::row(const char* name, int64_t out, int64_t in) {
  for (Row& r : rows_)
    if (r.name == name && r.out == out && r.in == in) return r;
  return rows_.emplace_back(Row{name, out, in});
}

void KernelScope::begin(Ledger& ledger, const Ledger::Row& call) {
  if (ledger.inside_) return;
  ledger.inside_ = true;
  ledger_ = &ledger;
  call_ = call;
  start_ = std::chrono::steady_clock::now();
}

void KernelScope::end() {
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  Ledger::Row& r = ledger_->row(call_.name, call_.out, call_.in);
  ++r.calls;
  r.seconds += seconds;
  r.flop += call_.flop;
  r.bytes += call_.bytes;
  ledger_->inside_ = false;
}

}  // namespace minke
