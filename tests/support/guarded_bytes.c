/* SPDX-License-Identifier: Apache-2.0 */
#include "support/guarded_bytes.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

struct guarded_bytes guarded_bytes_room(size_t len)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t usable = (len + page - 1) / page * page;
	size_t map_len = usable + page;
	uint8_t *map = mmap(NULL, map_len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (map == MAP_FAILED || mprotect(map + usable, page, PROT_NONE) != 0) {
		perror("guarded_bytes");
		abort();
	}
	struct guarded_bytes guarded = {.at = map + usable - len, .len = len, .map = map, .map_len = map_len};
	memset(guarded.at, 0xdd, len);
	return guarded;
}

struct guarded_bytes guarded_bytes_copy(struct bytes source)
{
	struct guarded_bytes guarded = guarded_bytes_room(source.len);
	if (source.len > 0)
		memcpy(guarded.at, source.at, source.len);
	return guarded;
}

void guarded_bytes_free(struct guarded_bytes *guarded)
{
	if (guarded->map != NULL)
		munmap(guarded->map, guarded->map_len);
	*guarded = (struct guarded_bytes){0};
}
