/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See generation.h. The number lies in a page that the kernel fills with zeros in each child (MADV_WIPEONFORK, Linux
 * 4.14); where there is no such thing, a handler of pthread_atfork() does it, which a bare clone(2) does not call.
 */
#include "generation.h"

#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

_Atomic(_Atomic uint32_t *) slog_generation_word;
static _Atomic uint32_t fallback;
static _Atomic uint32_t last; /* of this process and its ancestors */

static void forget(void)
{
	atomic_store_explicit(&fallback, 0, memory_order_relaxed);
}

static _Atomic uint32_t *make_current(void)
{
	size_t size = (size_t)sysconf(_SC_PAGESIZE);
	void *page = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	_Atomic uint32_t *made = page != MAP_FAILED && madvise(page, size, MADV_WIPEONFORK) == 0 ? page : &fallback;
	_Atomic uint32_t *known = NULL;
	if (made == &fallback)
		pthread_atfork(NULL, NULL, forget);
	if (atomic_compare_exchange_strong(&slog_generation_word, &known, made))
		known = made;
	if (page != MAP_FAILED && known != page)
		munmap(page, size);
	return known;
}

uint32_t slog_generation_begin(void)
{
	_Atomic uint32_t *word = atomic_load_explicit(&slog_generation_word, memory_order_acquire);
	if (word == NULL)
		word = make_current();
	uint32_t known = atomic_load_explicit(word, memory_order_acquire);
	if (known != 0)
		return known;
	uint32_t next = atomic_fetch_add(&last, 1) + 1;
	if (next == 0) /* after 2^32 generations of children of children */
		next = atomic_fetch_add(&last, 1) + 1;
	return atomic_compare_exchange_strong(word, &known, next) ? next : known;
}
