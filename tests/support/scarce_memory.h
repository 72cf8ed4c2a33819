/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory that runs out when a test says so, and that says how much of it is taken. In programs whose name ends in _memory
 * (tests/CMakeLists.txt) this stands behind malloc(), calloc(), realloc() and free() of our own code and of the test; not of
 * libraries that are linked dynamically. From any thread.
 */
#ifndef TESTS_SUPPORT_SCARCE_MEMORY_H
#define TESTS_SUPPORT_SCARCE_MEMORY_H

#include <stddef.h>

/* From now on so many allocations of at least `least` and at most `most` octets fail. */
void scarce_memory_refuse(size_t least, size_t most, unsigned times);

/* How many of these have not failed yet. */
unsigned scarce_memory_left(void);

/* Octets that are allocated now, counted from whenever: only differences mean something. */
long long scarce_memory_held(void);

/* The most that it has been since the last call. */
long long scarce_memory_peak(void);

#endif
