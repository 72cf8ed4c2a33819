/* SPDX-License-Identifier: Apache-2.0 */
#include "support/scarce_memory.h"

#include <errno.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

/* The linker's names for what is wrapped (--wrap). */
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void __real_free(void *memory);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
void __wrap_free(void *memory);

static _Atomic size_t refused_least, refused_most;
static _Atomic unsigned refusals;
static _Atomic long long held, peak;

void scarce_memory_refuse(size_t least, size_t most, unsigned times)
{
	atomic_store(&refused_least, least);
	atomic_store(&refused_most, most);
	atomic_store(&refusals, times);
}

unsigned scarce_memory_left(void)
{
	return atomic_load(&refusals);
}

long long scarce_memory_held(void)
{
	return atomic_load(&held);
}

long long scarce_memory_peak(void)
{
	return atomic_exchange(&peak, atomic_load(&held));
}

static bool is_refused(size_t size)
{
	unsigned left = atomic_load(&refusals);
	if (size < atomic_load(&refused_least) || size > atomic_load(&refused_most))
		return false;
	while (left > 0) {
		if (atomic_compare_exchange_weak(&refusals, &left, left - 1)) {
			errno = ENOMEM;
			return true;
		}
	}
	return false;
}

static void count(long long octets)
{
	long long now = atomic_fetch_add(&held, octets) + octets;
	long long most = atomic_load(&peak);
	while (now > most && !atomic_compare_exchange_weak(&peak, &most, now))
		continue;
}

static void *counted(void *memory)
{
	if (memory != NULL)
		count((long long)malloc_usable_size(memory));
	return memory;
}

void *__wrap_malloc(size_t size)
{
	return is_refused(size) ? NULL : counted(__real_malloc(size));
}

void *__wrap_calloc(size_t number, size_t size)
{
	return is_refused(number * size) ? NULL : counted(__real_calloc(number, size));
}

void *__wrap_realloc(void *old, size_t size)
{
	long long before = old != NULL ? (long long)malloc_usable_size(old) : 0;
	void *memory = is_refused(size) ? NULL : __real_realloc(old, size);
	if (memory == NULL)
		return NULL;
	count(-before);
	return counted(memory);
}

void __wrap_free(void *memory)
{
	if (memory != NULL)
		count(-(long long)malloc_usable_size(memory));
	__real_free(memory);
}
