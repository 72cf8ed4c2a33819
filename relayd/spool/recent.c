/* SPDX-License-Identifier: Apache-2.0 */
#include "spool/recent.h"

#include <string.h>
#include <sys/mman.h>

bool recent_init(struct recent *recent, size_t size, unsigned patience_ns)
{
	*recent = (struct recent){.size = (size_t)disk_page_end(size), .least = RECENT_LEAST_BYTES};
	/* Readers that come one behind the other would otherwise keep the writer waiting. */
	pthread_rwlockattr_t writer_first;
	pthread_rwlockattr_init(&writer_first);
	pthread_rwlockattr_setkind_np(&writer_first, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	pthread_rwlock_init(&recent->lock, &writer_first);
	pthread_rwlockattr_destroy(&writer_first);
	return followers_init(&recent->followers, patience_ns);
}

void recent_free(struct recent *recent)
{
	if (recent->memory != NULL)
		munmap(recent->memory, recent->size);
	recent->memory = NULL;
	pthread_rwlock_destroy(&recent->lock);
	followers_free(&recent->followers);
}

static bool take_memory(struct recent *recent)
{
	if (recent->memory != NULL)
		return true;
	void *memory = mmap(NULL, recent->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		return false;
	/* To hand small pages to the disk is a third of the writer's CPU. Where there are no huge ones they do. */
	madvise(memory, recent->size, MADV_HUGEPAGE);
	recent->memory = memory;
	return true;
}

/* Where the next run begins. */
static uint64_t place_of_end(const struct recent_run *run)
{
	return run->place + disk_page_end(run->end) - run->begin;
}

/* Nothing is held any more, and the memory is given back. */
static void forget(struct recent *recent)
{
	struct recent_run none = {.place = place_of_end(&recent->run[0])};
	pthread_rwlock_wrlock(&recent->lock);
	recent->run[0] = none;
	recent->run[1] = (struct recent_run){0};
	recent->floor = none.place; /* whoever stopped reading here is not to be waited for */
	pthread_rwlock_unlock(&recent->lock);
	recent->small = 0;
	madvise(recent->memory, recent->size, MADV_DONTNEED);
}

bool recent_wants(struct recent *recent, size_t len)
{
	bool large = len >= recent->least, grows = recent->run[0].counter != 0;
	if (len + 2 * DISK_PAGE_BYTES > recent->size / 2 || (!large && !grows))
		return false;
	recent->small = large ? 0 : recent->small + len;
	if (recent->small <= recent->size / RECENT_SMALL_PART)
		return true;
	forget(recent);
	return false;
}

/* Where places lie in the window, which goes round: in one piece or two. Returns how many. */
static int pieces_at(const struct recent *recent, uint64_t place, size_t len, struct iovec piece[RECENT_PARTS_MAX])
{
	size_t at = (size_t)(place % recent->size);
	size_t first = len < recent->size - at ? len : recent->size - at;
	piece[0] = (struct iovec){.iov_base = recent->memory + at, .iov_len = first};
	piece[1] = (struct iovec){.iov_base = recent->memory, .iov_len = len - first};
	return first < len ? 2 : 1;
}

/* Copies into the window; returns the place behind. */
static uint64_t fill(struct recent *recent, uint64_t place, const void *from, size_t len)
{
	struct iovec piece[RECENT_PARTS_MAX];
	pieces_at(recent, place, len, piece);
	memcpy(piece[0].iov_base, from, piece[0].iov_len);
	memcpy(piece[1].iov_base, (const uint8_t *)from + piece[0].iov_len, piece[1].iov_len);
	return place + len;
}

/* The first place that is left when those up to `end` are filled. */
static uint64_t floor_behind(const struct recent *recent, uint64_t end)
{
	return end > recent->size && end - recent->size > recent->floor ? end - recent->size : recent->floor;
}

/* From here on nobody reads what lies where the places up to `end` will be. */
static void claim(struct recent *recent, uint64_t end)
{
	pthread_rwlock_wrlock(&recent->lock);
	recent->floor = floor_behind(recent, end);
	pthread_rwlock_unlock(&recent->lock);
}

static bool continues(const struct recent_run *run, const struct recent_group *group)
{
	return run->counter == group->counter && run->end == group->offset;
}

/*
 * Where in the file a run begins: with the group's page, or with the segment, if that is new and its head is short. Readers
 * come by there, and one that had to read it from the disk would be overtaken meanwhile.
 */
static uint64_t begin_of_run(const struct recent *recent, const struct recent_group *group)
{
	size_t head_max = recent->size / RECENT_HEAD_PART;
	if (head_max > RECENT_HEAD_MAX_BYTES)
		head_max = RECENT_HEAD_MAX_BYTES;
	bool has_head = group->counter != recent->run[0].counter && group->offset <= head_max;
	return has_head ? 0 : disk_page_begin(group->offset);
}

/* Waits for those who would read next what the group, and what a new run has in front of it, will take the place of. */
static void await_readers(struct recent *recent, const struct recent_group *group)
{
	bool begins = !continues(&recent->run[0], group);
	size_t len = group->len + (begins ? (size_t)(group->offset - begin_of_run(recent, group)) : 0);
	uint64_t most = place_of_end(&recent->run[0]) + disk_page_end(len) + DISK_PAGE_BYTES;
	uint64_t to = floor_behind(recent, most);
	if (begins && to < recent->run[0].place)
		to = recent->run[0].place; /* the run before it is forgotten */
	followers_await(&recent->followers, recent->floor, to, len);
}

/* What the file has from `offset` on. */
static bool fill_from_file(struct recent *recent, const struct disk *disk, int file, uint64_t offset, uint64_t place,
                           size_t len)
{
	struct iovec piece[RECENT_PARTS_MAX];
	int pieces = len > 0 ? pieces_at(recent, place, len, piece) : 0;
	for (int i = 0; i < pieces; i++) {
		if (disk->read(disk, file, piece[i].iov_base, piece[i].iov_len, offset) != (int64_t)piece[i].iov_len)
			return false;
		offset += piece[i].iov_len;
	}
	return true;
}

/* What the file has in the run in front of the group is read. */
static bool begin_run(struct recent *recent, const struct disk *disk, const struct recent_group *group)
{
	struct recent_run before = recent->run[0];
	struct recent_run run = {.counter = group->counter, .begin = begin_of_run(recent, group), .end = group->offset};
	run.place = place_of_end(&before);
	size_t len = (size_t)(group->offset - run.begin);
	claim(recent, run.place + disk_page_end(len));
	if (!fill_from_file(recent, disk, group->file, run.begin, run.place, len))
		return false;
	pthread_rwlock_wrlock(&recent->lock);
	recent->run[1] = before;
	recent->run[0] = run;
	if (recent->floor < before.place)
		recent->floor = before.place;
	pthread_rwlock_unlock(&recent->lock);
	return true;
}

bool recent_put(struct recent *recent, const struct disk *disk, const struct recent_group *group,
                struct recent_pages *pages)
{
	static const uint8_t zeros[DISK_PAGE_BYTES];
	struct recent_run *run = &recent->run[0];
	if (!take_memory(recent))
		return false;
	await_readers(recent, group);
	if (!continues(run, group) && !begin_run(recent, disk, group))
		return false;
	pages->offset = disk_page_begin(group->offset);
	uint64_t begin = run->place + (pages->offset - run->begin), place = run->place + (group->offset - run->begin);
	uint64_t end = disk_page_end(place + group->len);
	claim(recent, end);
	for (int i = 0; i < group->count; i++)
		place = fill(recent, place, group->part[i].iov_base, group->part[i].iov_len);
	fill(recent, place, zeros, (size_t)(end - place));
	pthread_rwlock_wrlock(&recent->lock);
	run->end += group->len;
	pthread_rwlock_unlock(&recent->lock);
	pages->count = pieces_at(recent, begin, (size_t)(end - begin), pages->part);
	return true;
}

static size_t copy_run(const struct recent *recent, const struct recent_run *run, uint64_t offset, uint8_t *out,
                       size_t len, uint64_t *place_behind)
{
	if (offset < run->begin || offset >= run->end)
		return 0;
	uint64_t place = run->place + (offset - run->begin);
	if (place < recent->floor)
		return 0;
	if (len > run->end - offset)
		len = (size_t)(run->end - offset);
	struct iovec piece[RECENT_PARTS_MAX];
	pieces_at(recent, place, len, piece);
	memcpy(out, piece[0].iov_base, piece[0].iov_len);
	memcpy(out + piece[0].iov_len, piece[1].iov_base, piece[1].iov_len);
	*place_behind = place + len;
	return len;
}

size_t recent_read(struct recent *recent, struct follower *reader, uint64_t counter, uint64_t offset, uint8_t *out,
                   size_t len)
{
	size_t got = 0;
	uint64_t place = FOLLOWER_NOWHERE;
	pthread_rwlock_rdlock(&recent->lock);
	for (unsigned i = 0; i < RECENT_RUNS && got == 0; i++)
		if (recent->run[i].counter == counter)
			got = copy_run(recent, &recent->run[i], offset, out, len, &place);
	pthread_rwlock_unlock(&recent->lock);
	follower_note(&recent->followers, reader, place);
	return got;
}
