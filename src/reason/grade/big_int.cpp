#include "reason/grade/big_int.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>

#include "reason/grade/steps.h"

namespace minke::grading {

BigInt::BigInt(int64_t value) : negative_(value < 0) {
  uint64_t u = value < 0 ? ~uint64_t(value) + 1 : uint64_t(value);
  for (; u; u >>= 32) limbs_.push_back(uint32_t(u));
}

void BigInt::trim() {
  while (!limbs_.empty() && limbs_.back() == 0) limbs_.pop_back();
  if (limbs_.empty()) negative_ = false;
}

BigInt BigInt::parse(std::string_view digits) {
  BigInt out;
  if (int64_t(digits.size()) > kMaxBits / 3) throw Refused{"an integer longer than 4,096 bits"};
  StepBudget::spend(int64_t(digits.size() * digits.size() / 80 + 1));
  for (size_t i = 0; i < digits.size();) {
    uint64_t chunk = 0, scale = 1;
    for (int k = 0; k < 9 && i < digits.size(); ++k, ++i) chunk = chunk * 10 + uint64_t(digits[i] - '0'), scale *= 10;
    uint64_t carry = chunk;
    for (uint32_t& limb : out.limbs_) {
      const uint64_t x = limb * scale + carry;
      limb = uint32_t(x), carry = x >> 32;
    }
    if (carry) out.limbs_.push_back(uint32_t(carry));
  }
  out.trim();
  return out;
}

int64_t BigInt::bits() const { return limbs_.empty() ? 0 : int64_t(limbs_.size()) * 32 - std::countl_zero(limbs_.back()); }

int64_t BigInt::small() const {
  uint64_t u = 0;
  for (size_t i = limbs_.size(); i-- > 0;) u = u << 32 | limbs_[i];
  return negative_ ? -int64_t(u) : int64_t(u);
}

uint64_t BigInt::mod(uint64_t m) const {
  unsigned __int128 r = 0;
  for (size_t i = limbs_.size(); i-- > 0;) r = (r << 32 | limbs_[i]) % m;
  const uint64_t u = uint64_t(r);
  return negative_ && u ? m - u : u;
}

double BigInt::mantissa(int64_t& exponent) const {
  double m = 0;
  const size_t n = limbs_.size(), from = n > 3 ? n - 3 : 0;
  for (size_t i = n; i-- > from;) m = m * 4294967296.0 + limbs_[i];
  int e = 0;
  m = std::frexp(m, &e);
  exponent = e + int64_t(from) * 32;
  return negative_ ? -m : m;
}

std::string BigInt::text() const {
  if (is_zero()) return "0";
  Limbs left = limbs_;
  std::string out;
  StepBudget::spend(int64_t(left.size() * left.size()) + 1);
  while (!left.empty()) {
    uint64_t r = 0;
    for (size_t i = left.size(); i-- > 0;) {
      const uint64_t x = r << 32 | left[i];
      left[i] = uint32_t(x / 1'000'000'000), r = x % 1'000'000'000;
    }
    while (!left.empty() && left.back() == 0) left.pop_back();
    for (int k = 0; k < 9 && (r || !left.empty()); ++k, r /= 10) out += char('0' + r % 10);
  }
  if (negative_) out += '-';
  std::reverse(out.begin(), out.end());
  return out;
}

BigInt BigInt::operator-() const {
  BigInt out = *this;
  if (!out.is_zero()) out.negative_ = !negative_;
  return out;
}

int BigInt::compare(const Limbs& a, const Limbs& b) {
  if (a.size() != b.size()) return a.size() < b.size() ? -1 : 1;
  for (size_t i = a.size(); i-- > 0;)
    if (a[i] != b[i]) return a[i] < b[i] ? -1 : 1;
  return 0;
}

BigInt::Limbs BigInt::add(const Limbs& a, const Limbs& b) {
  const Limbs& longer = a.size() >= b.size() ? a : b;
  const Limbs& shorter = a.size() >= b.size() ? b : a;
  Limbs out(longer.size() + 1);
  uint64_t carry = 0;
  for (size_t i = 0; i < longer.size(); ++i) {
    carry += uint64_t(longer[i]) + (i < shorter.size() ? shorter[i] : 0);
    out[i] = uint32_t(carry), carry >>= 32;
  }
  out.back() = uint32_t(carry);
  return out;
}

BigInt::Limbs BigInt::subtract(const Limbs& a, const Limbs& b) {
  Limbs out(a.size());
  int64_t borrow = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    borrow += int64_t(a[i]) - (i < b.size() ? b[i] : 0);
    out[i] = uint32_t(borrow), borrow >>= 32;
  }
  return out;
}

BigInt operator+(const BigInt& a, const BigInt& b) {
  StepBudget::spend(int64_t(std::max(a.limbs_.size(), b.limbs_.size())) + 1);
  BigInt out;
  if (a.negative_ == b.negative_) {
    out.negative_ = a.negative_;
    out.limbs_ = BigInt::add(a.limbs_, b.limbs_);
  } else if (BigInt::compare(a.limbs_, b.limbs_) >= 0) {
    out.negative_ = a.negative_;
    out.limbs_ = BigInt::subtract(a.limbs_, b.limbs_);
  } else {
    out.negative_ = b.negative_;
    out.limbs_ = BigInt::subtract(b.limbs_, a.limbs_);
  }
  out.trim();
  return out;
}

BigInt operator-(const BigInt& a, const BigInt& b) { return a + -b; }

BigInt operator*(const BigInt& a, const BigInt& b) {
  const size_t n = a.limbs_.size(), m = b.limbs_.size();
  // Twice the bound: cross products of two fractions that are themselves within it.
  if (int64_t(n + m) * 32 > 2 * kMaxBits + 128) throw Refused{"an integer longer than 4,096 bits"};
  StepBudget::spend(int64_t(n * m) + 1);
  BigInt out;
  if (n == 0 || m == 0) return out;
  out.negative_ = a.negative_ != b.negative_;
  out.limbs_.assign(n + m, 0);
  for (size_t i = 0; i < n; ++i) {
    uint64_t carry = 0;
    for (size_t j = 0; j < m; ++j) {
      carry += uint64_t(a.limbs_[i]) * b.limbs_[j] + out.limbs_[i + j];
      out.limbs_[i + j] = uint32_t(carry), carry >>= 32;
    }
    out.limbs_[i + m] = uint32_t(carry);
  }
  out.trim();
  return out;
}

BigInt BigInt::operator<<(int64_t n) const {
  if (n < 0) return *this >> -n;
  if (is_zero() || n == 0) return *this;
  if (bits() + n > 2 * kMaxBits + 128) throw Refused{"an integer longer than 4,096 bits"};
  StepBudget::spend(int64_t(limbs_.size()) + n / 32 + 1);
  BigInt out;
  out.negative_ = negative_;
  out.limbs_.assign(size_t(n / 32), 0);
  const int s = int(n % 32);
  uint32_t carry = 0;
  for (const uint32_t limb : limbs_) {
    out.limbs_.push_back(s ? limb << s | carry : limb);
    carry = s ? limb >> (32 - s) : 0;
  }
  out.limbs_.push_back(carry);
  out.trim();
  return out;
}

BigInt BigInt::operator>>(int64_t n) const {
  if (n < 0) return *this << -n;
  if (n == 0) return *this;
  StepBudget::spend(int64_t(limbs_.size()) + 1);
  const size_t skip = size_t(n / 32);
  BigInt out;
  if (skip >= limbs_.size()) return out;
  out.negative_ = negative_;
  out.limbs_.assign(limbs_.begin() + long(skip), limbs_.end());
  const int s = int(n % 32);
  if (s)
    for (size_t i = 0; i < out.limbs_.size(); ++i)
      out.limbs_[i] = out.limbs_[i] >> s | (i + 1 < out.limbs_.size() ? out.limbs_[i + 1] << (32 - s) : 0);
  out.trim();
  return out;
}

// Knuth, The Art of Computer Programming 4.3.1, algorithm D.
void BigInt::divide(const BigInt& a, const BigInt& b, BigInt& quotient, BigInt& remainder) {
  if (b.is_zero()) throw Refused{"a division by zero"};
  BigInt q, r;
  if (compare(a.limbs_, b.limbs_) < 0) {
    r = a;
  } else if (b.limbs_.size() == 1) {
    StepBudget::spend(int64_t(a.limbs_.size()) + 1);
    q.limbs_.resize(a.limbs_.size());
    uint64_t rest = 0;
    for (size_t i = a.limbs_.size(); i-- > 0;) {
      const uint64_t x = rest << 32 | a.limbs_[i];
      q.limbs_[i] = uint32_t(x / b.limbs_[0]), rest = x % b.limbs_[0];
    }
    r.limbs_ = {uint32_t(rest)};
  } else {
    const int s = std::countl_zero(b.limbs_.back());
    Limbs v = (b.abs() << s).limbs_, u = (a.abs() << s).limbs_;
    const size_t n = v.size();
    u.resize(a.limbs_.size() + 1, 0);
    const size_t m = u.size() - n;
    StepBudget::spend(int64_t(m * n) + 1);
    q.limbs_.assign(m, 0);
    for (size_t j = m; j-- > 0;) {
      const uint64_t top = uint64_t(u[j + n]) << 32 | u[j + n - 1];
      uint64_t guess = top / v[n - 1], rest = top % v[n - 1];
      while (guess >> 32 || guess * v[n - 2] > (rest << 32 | u[j + n - 2])) {
        --guess, rest += v[n - 1];
        if (rest >> 32) break;
      }
      int64_t borrow = 0;
      uint64_t carry = 0;
      for (size_t i = 0; i < n; ++i) {
        carry += guess * v[i];
        borrow += int64_t(u[i + j]) - int64_t(uint32_t(carry));
        u[i + j] = uint32_t(borrow);
        carry >>= 32, borrow >>= 32;
      }
      borrow += int64_t(u[j + n]) - int64_t(carry);
      u[j + n] = uint32_t(borrow);
      if (borrow < 0) {  // the guess was one too high
        --guess;
        uint64_t c = 0;
        for (size_t i = 0; i < n; ++i) {
          c += uint64_t(u[i + j]) + v[i];
          u[i + j] = uint32_t(c), c >>= 32;
        }
        u[j + n] += uint32_t(c);
      }
      q.limbs_[j] = uint32_t(guess);
    }
    u.resize(n);
    r.limbs_ = std::move(u);
    r.trim();
    r = r >> s;
  }
  q.negative_ = a.negative_ != b.negative_;
  r.negative_ = a.negative_;
  q.trim(), r.trim();
  quotient = std::move(q), remainder = std::move(r);
}

BigInt operator/(const BigInt& a, const BigInt& b) {
  BigInt q, r;
  BigInt::divide(a, b, q, r);
  return q;
}

BigInt BigInt::gcd(BigInt a, BigInt b) {
  a.negative_ = b.negative_ = false;
  while (!b.is_zero()) {
    if (a.fits64() && b.fits64()) return std::gcd(a.small(), b.small());
    BigInt q, r;
    divide(a, b, q, r);
    a = std::move(b), b = std::move(r);
  }
  return a;
}

BigInt BigInt::power(const BigInt& base, uint32_t exponent) {
  BigInt out = 1, square = base;
  for (uint32_t e = exponent; e; e >>= 1) {
    if (e & 1) out = out * square;
    if (e > 1) square = square * square;
  }
  return out;
}

// Newton from above.
BigInt BigInt::square_root() const {
  if (is_zero()) return *this;
  BigInt x = BigInt(1) << (bits() + 1) / 2;
  while (true) {
    BigInt y = (x + *this / x) >> 1;
    if (y >= x) return x;
    x = std::move(y);
  }
}

std::strong_ordering operator<=>(const BigInt& a, const BigInt& b) {
  if (a.negative_ != b.negative_) return a.negative_ ? std::strong_ordering::less : std::strong_ordering::greater;
  const int c = BigInt::compare(a.limbs_, b.limbs_);
  return (a.negative_ ? -c : c) <=> 0;
}

}  // namespace minke::grading
