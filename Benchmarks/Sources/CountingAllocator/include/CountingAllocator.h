#ifndef COUNTING_ALLOCATOR_H
#define COUNTING_ALLOCATOR_H

#include <stdint.h>

// A program that links this target counts what its threads ask of the heap, each thread for itself. The functions of the
// C library are defined again over its own inner ones, so no flag and no preloaded library is needed. Linux with glibc
// only, and never together with a sanitizer, which brings its own allocator.

/// Whether counting works in this program.
_Bool heap_is_counted(void);

/// Calls of malloc and its kin by this thread that gave memory, since it began.
uint64_t heap_allocations(void);

/// Bytes that this thread holds: what it was given less what it gave back, as the allocator rounds them up.
int64_t heap_bytes(void);

#endif
