#pragma once

#include <unistd.h>

namespace s3link::sqlite_store {

/// A file descriptor, closed at the end; or none, where `number` is negative.
class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  int get() const noexcept { return number_; }

 private:
  int number_;
};

}  // namespace s3link::sqlite_store
