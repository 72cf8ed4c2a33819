/* SPDX-License-Identifier: Apache-2.0 */
#include "spool/spool_hand.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "spool/spool_internal.h"
#include "spool/spool_peek.h"

/* Only what cursors need of a spool is set in it: no threads, no segments. */
struct spool_hand {
	struct spool spool;
	struct spool_peeked peeked[SPOOL_CURSORS_MAX];
	int peeked_count;
};

static bool refuse(char *error, const char *path, const char *what)
{
	snprintf(error, SPOOL_ERROR_MAX_BYTES, "%s: %s", path, what);
	return false;
}

/* Opening a directory would make it, and locking the lock's file. */
static bool is_spool(const char *path, char *error)
{
	char name[4096];
	struct stat status;
	if ((size_t)snprintf(name, sizeof name, "%s/cursors", path) >= sizeof name)
		return refuse(error, path, "the path is too long");
	if (stat(name, &status) == 0)
		return true;
	return refuse(error, path, errno == ENOENT || errno == ENOTDIR ? "there is no spool" : strerror(errno));
}

static bool lock(struct spool *spool, bool *runs, char *error)
{
	const struct disk *disk = spool->disk;
	long holder;
	spool->directory = disk->open_directory(disk, spool->path);
	if (spool->directory < 0)
		return refuse(error, spool->path, strerror(-spool->directory));
	spool->lock_file = disk->lock(disk, spool->directory, "lock", &holder);
	if (spool->lock_file >= 0)
		return true;
	*runs = spool->lock_file == -EWOULDBLOCK;
	if (!*runs)
		return refuse(error, spool->path, strerror(-spool->lock_file));
	snprintf(error, SPOOL_ERROR_MAX_BYTES, "%s: a relay runs with this spool (process %ld): stop it first", spool->path,
	         holder);
	return false;
}

static bool load_drops(struct spool *spool, char *error)
{
	int code = drops_load(spool);
	if (code == -ENOTSUP)
		return refuse(error, spool->path, "a newer version of relayd wrote this spool");
	if (code == 0)
		code = cursors_end_renaming(spool);
	return code == 0 || refuse(error, spool->path, strerror(-code));
}

static bool load(struct spool *spool, char *error)
{
	int code = 0;
	switch (cursors_load(spool, &code)) {
	case CURSORS_LOADED:
		return load_drops(spool, error);
	case CURSORS_MISSING:
		return refuse(error, spool->path, "the file of cursors is damaged; the next start of relayd makes it anew");
	case CURSORS_NEWER:
		return refuse(error, spool->path, "a newer version of relayd wrote this spool");
	case CURSORS_FAILED:
		break;
	}
	return refuse(error, spool->path, strerror(-code));
}

struct spool_hand *spool_hand_take(const char *path, char *error)
{
	bool runs;
	return spool_hand_try(path, &runs, error);
}

struct spool_hand *spool_hand_try(const char *path, bool *runs, char *error)
{
	*runs = false;
	if (!is_spool(path, error))
		return NULL;
	struct spool_hand *hand = calloc(1, sizeof *hand);
	char *copy = strdup(path);
	if (hand == NULL || copy == NULL) {
		refuse(error, path, "not enough memory");
		free(hand);
		free(copy);
		return NULL;
	}
	struct spool *spool = &hand->spool;
	spool->path = copy;
	spool->disk = &disk_real;
	spool->directory = spool->lock_file = -1;
	cursors_init(spool);
	drops_init(&spool->drops);
	pthread_mutex_init(&spool->readers_lock, NULL);
	if (!lock(spool, runs, error) || !load(spool, error))
		spool_hand_release(&hand);
	else
		hand->peeked_count = spool_peek(path, hand->peeked, SPOOL_CURSORS_MAX);
	return hand;
}

void spool_hand_release(struct spool_hand **releasing)
{
	struct spool_hand *hand = *releasing;
	if (hand == NULL)
		return;
	*releasing = NULL;
	struct spool *spool = &hand->spool;
	cursors_close(spool);
	drops_close(spool);
	pthread_mutex_destroy(&spool->readers_lock);
	if (spool->lock_file >= 0)
		spool->disk->close(spool->disk, spool->lock_file);
	if (spool->directory >= 0)
		spool->disk->close(spool->disk, spool->directory);
	free(spool->path);
	free(hand);
}

bool spool_hand_find(const struct spool_hand *hand, const char *name, struct spool_orphan *cursor)
{
	struct spool_orphan all[SPOOL_CURSORS_MAX];
	unsigned count = spool_orphans(&hand->spool, all, SPOOL_CURSORS_MAX);
	for (unsigned i = 0; i < count; i++) {
		if (strcmp(all[i].name, name) != 0)
			continue;
		*cursor = all[i];
		for (int j = 0; j < hand->peeked_count; j++)
			if (strcmp(hand->peeked[j].name, name) == 0)
				cursor->pending = hand->peeked[j].pending;
		return true;
	}
	return false;
}

bool spool_hand_forget(struct spool_hand *hand, const char *name, char *error)
{
	return spool_forget_cursor(&hand->spool, name, error);
}

bool spool_hand_rename(struct spool_hand *hand, const char *name, const char *new_name, char *error)
{
	return spool_rename_cursor(&hand->spool, name, new_name, error);
}

/* A file that root makes here belongs to the spool's owner, who could not start with it otherwise. */
static int give_to_owner(const struct spool *spool, int file)
{
	struct stat status;
	bool good = geteuid() != 0 ||
	            (fstat(spool->directory, &status) == 0 && fchown(file, status.st_uid, status.st_gid) == 0);
	return good ? 0 : -errno;
}

bool spool_hand_may_drop(struct spool_hand *hand, const struct spool_drop_rule *rule, char *error)
{
	return spool_drop_is_possible(&hand->spool, rule, error);
}

bool spool_hand_drop(struct spool_hand *hand, struct spool_drop_rule *rule, char *error)
{
	int code = drops_create(&hand->spool, give_to_owner);
	if (code < 0)
		return refuse(error, hand->spool.path, strerror(-code));
	return spool_drop_add(&hand->spool, rule, error);
}
