/* SPDX-License-Identifier: Apache-2.0 */
#include "spool/spool_audit.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <liblog/json.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* ---- the line ---- */

static void put_text(FILE *line, const char *name, const char *value)
{
	size_t len = value != NULL ? strlen(value) : 0;
	if (len == 0)
		return;
	fprintf(line, ",\"%s\":\"", name);
	while (len > 0) {
		char part[512];
		size_t taken, put = slog_json_string(part, sizeof part, value, len, &taken);
		fwrite(part, 1, put, line);
		value += taken;
		len -= taken;
	}
	putc('"', line);
}

static void put_count(FILE *line, const char *name, uint64_t value)
{
	fprintf(line, ",\"%s\":%" PRIu64, name, value);
}

static void write_line(FILE *line, const struct spool_audit *audit)
{
	char stamp[32];
	time_t now = time(NULL);
	struct tm parts;
	strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &parts));
	fprintf(line, "{\"timestamp\":\"%s\"", stamp);
	put_count(line, "uid", audit->uid);
	put_text(line, "user", audit->user);
	put_text(line, "command", audit->command);
	put_text(line, "output", audit->output);
	put_text(line, "new_name", audit->new_name);
	put_text(line, "file", audit->file);
	put_text(line, "filter", audit->filter);
	if (audit->rule > 0)
		put_count(line, "rule", audit->rule);
	if (audit->to > 0)
		put_count(line, "to", audit->to);
	put_count(line, "messages", audit->messages);
	fputs("}\n", line);
}

/* ---- the file ---- */

static int open_file(int directory, int create)
{
	return openat(directory, "audit", O_WRONLY | O_APPEND | O_NOFOLLOW | O_CLOEXEC | create, 0600);
}

/*
 * A file that root makes in the spool belongs to its owner, and from the first moment on: a kill in between would leave one
 * that the owner cannot write to. So this thread makes it as that user. To the kernel that is a change of user, which takes
 * core dumps and debuggers away from the whole process: they are given back.
 */
static int make_as_owner(int directory)
{
	struct stat status;
	if (fstat(directory, &status) != 0)
		return -1;
	int dumpable = prctl(PR_GET_DUMPABLE);
	int group = setfsgid(status.st_gid), user = setfsuid(status.st_uid);
	bool is_owner = (uid_t)setfsuid((uid_t)-1) == status.st_uid && (gid_t)setfsgid((gid_t)-1) == status.st_gid;
	int file = is_owner ? open_file(directory, O_CREAT) : -1;
	int error = is_owner ? errno : EPERM;
	setfsuid((uid_t)user);
	setfsgid((gid_t)group);
	if (dumpable >= 0 && prctl(PR_GET_DUMPABLE) != dumpable)
		(void)prctl(PR_SET_DUMPABLE, dumpable);
	errno = error;
	return file;
}

/*
 * An earlier version left a file that root had made to root, and the owner's relay refused each drop. A file with
 * another name as well may be anybody's, and stays as it is; so does one that this process must not give away.
 */
static void repair_owner(int directory, int file)
{
	struct stat spool, status;
	if (fstat(directory, &spool) != 0 || fstat(file, &status) != 0)
		return;
	bool is_left = status.st_uid == 0 && spool.st_uid != 0 && S_ISREG(status.st_mode) && status.st_nlink == 1;
	bool repaired = is_left && fchown(file, spool.st_uid, spool.st_gid) == 0;
	(void)repaired;
}

/* A handle, or -1 with errno. */
static int open_audit(const char *spool)
{
	int directory = open(spool, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (directory < 0)
		return -1;
	int file = open_file(directory, 0);
	if (file >= 0 && geteuid() == 0)
		repair_owner(directory, file);
	if (file < 0 && errno == ENOENT)
		file = geteuid() == 0 ? make_as_owner(directory) : open_file(directory, O_CREAT);
	int error = errno;
	close(directory);
	errno = error;
	return file;
}

/* Takes back a line that did not fit, unless somebody else's stands behind it: the next one must not go on in it. */
static int take_back(int file, off_t len)
{
	struct stat status;
	off_t end = lseek(file, 0, SEEK_CUR);
	bool is_last = len > 0 && end >= len && fstat(file, &status) == 0 && status.st_size == end;
	return is_last && ftruncate(file, end - len) != 0 ? errno : ENOSPC;
}

/* One write for the whole line, its LF included: lines of two writers do not mix. 0 or an errno. */
static int append(const char *spool, const char *line, size_t len)
{
	int file = open_audit(spool);
	if (file < 0)
		return errno;
	int error = 0;
	ssize_t put;
	do
		put = write(file, line, len);
	while (put < 0 && errno == EINTR);
	if (put < 0 || (size_t)put < len)
		error = put < 0 ? errno : take_back(file, put);
	if (error == 0 && fdatasync(file) != 0)
		error = errno;
	close(file);
	return error;
}

bool spool_audit_no_room(int result)
{
	return result == -ENOSPC || result == -EDQUOT;
}

int spool_audit_write(const char *path, const struct spool_audit *audit)
{
	char *text = NULL;
	size_t len = 0;
	FILE *line = open_memstream(&text, &len);
	if (line == NULL)
		return -ENOMEM;
	write_line(line, audit);
	bool good = ferror(line) == 0;
	good = fclose(line) == 0 && good;
	int error = good ? append(path, text, len) : ENOMEM;
	free(text);
	return -error;
}
