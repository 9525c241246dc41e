#include "CountingAllocator.h"

#if defined(__linux__)
#include <features.h>
#endif

#if defined(__GLIBC__)

#include <errno.h>
#include <malloc.h>
#include <stddef.h>

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *block, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);
extern void __libc_free(void *block);

static _Thread_local uint64_t allocations;
static _Thread_local int64_t bytes;

static void *given(void *block) {
    if (block) {
        allocations += 1;
        bytes += (int64_t)malloc_usable_size(block);
    }
    return block;
}

void *malloc(size_t size) { return given(__libc_malloc(size)); }

void *calloc(size_t count, size_t size) { return given(__libc_calloc(count, size)); }

void *realloc(void *block, size_t size) {
    int64_t before = block ? (int64_t)malloc_usable_size(block) : 0;
    void *moved = __libc_realloc(block, size);
    // A failure leaves the old block as it was; size 0 frees it.
    if (moved || size == 0) bytes -= before;
    return given(moved);
}

void *memalign(size_t alignment, size_t size) { return given(__libc_memalign(alignment, size)); }

void *aligned_alloc(size_t alignment, size_t size) { return given(__libc_memalign(alignment, size)); }

int posix_memalign(void **block, size_t alignment, size_t size) {
    if (alignment % sizeof(void *) != 0 || (alignment & (alignment - 1)) != 0 || alignment == 0) return EINVAL;
    void *fresh = given(__libc_memalign(alignment, size));
    if (!fresh) return ENOMEM;
    *block = fresh;
    return 0;
}

void free(void *block) {
    if (block) bytes -= (int64_t)malloc_usable_size(block);
    __libc_free(block);
}

_Bool heap_is_counted(void) { return 1; }
uint64_t heap_allocations(void) { return allocations; }
int64_t heap_bytes(void) { return bytes; }

#else

_Bool heap_is_counted(void) { return 0; }
uint64_t heap_allocations(void) { return 0; }
int64_t heap_bytes(void) { return 0; }

#endif
