// The reserve descriptor of the accepting thread. Ops thread.
#pragma once

#include <cstdint>

namespace kymo {

class Reserve {
public:
  Reserve();
  ~Reserve();
  Reserve(const Reserve &) = delete;
  /* Clients closed for want of a descriptor since the last call. */
  static uint64_t take_refused();
};

} // namespace kymo
