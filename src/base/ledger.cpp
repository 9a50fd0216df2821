#include "base/ledger.h"

#include "base/error.h"
#include "base/threads.h"

namespace minke {

thread_local constinit Ledger* Ledger::current_ = nullptr;

Ledger::Ledger(Mode mode) : mode_(mode) {
  MINKE_CHECK(current_ == nullptr);
  current_ = this;
}

Ledger::~Ledger() {
  own_scratch_ = Arena();  // while this is still the ledger that they are counted in
  helper_scratch_ = Arena();
  current_ = nullptr;
}

MemoryAccount* Ledger::dry_account_of(const void* p) {
  if (!dry_run()) return nullptr;
  for (MemoryAccount* account : {&current_->own_, &current_->helper_})
    if (account->holds(p)) return account;
  return nullptr;
}

Ledger::Row& Ledger::row(const char* name, int64_t out, int64_t in) {
  for (Row& r : rows_)
    if (r.name == name && r.out == out && r.in == in) return r;
  return rows_.emplace_back(Row{name, out, in});
}

MemoryUse Ledger::memory() const {
  MemoryUse use = own_.use();
  const int64_t helpers = helper_.use().total * (thread_count() - 1);
  for (int64_t* scratch : {&use.live[size_t(MemoryKind::kScratch)], &use.at_peak[size_t(MemoryKind::kScratch)], &use.total, &use.peak}) *scratch += helpers;
  return use;
}

// Once as a helper of the pool, once as its caller: either may get the largest task.
void Ledger::run_tasks(int64_t n, const std::function<void(int64_t)>& task) {
  const auto all = [&] {
    for (int64_t i = 0; i < n; ++i) task(i);
  };
  if (in_tasks_) return all();
  in_tasks_ = true;
  helping_ = true;
  if (thread_count() > 1) all();
  helping_ = false;
  all();
  in_tasks_ = false;
}

void KernelScope::begin(Ledger& ledger, const Ledger::Row& call) {
  dry_ = ledger.dry();
  if (ledger.inside_) return;
  ledger.inside_ = true;
  ledger_ = &ledger;
  call_ = call;
  start_ = std::chrono::steady_clock::now();
}

void KernelScope::end() {
  const double seconds = dry_ ? 0 : std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  Ledger::Row& r = ledger_->row(call_.name, call_.out, call_.in);
  ++r.calls;
  r.seconds += seconds;
  r.flop += call_.flop;
  r.bytes += call_.bytes;
  ledger_->inside_ = false;
}

}  // namespace minke
