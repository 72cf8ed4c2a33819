/* SPDX-License-Identifier: Apache-2.0 */
#include "relayctl/spool_change.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <yajl/yajl_gen.h>

bool spool_change_allowed(const struct spool_arguments *arguments)
{
	struct stat status;
	if (stat(arguments->path, &status) != 0) {
		fprintf(stderr, "%s: %s: %s\n", arguments->label, arguments->path,
		        errno == ENOENT ? "there is no spool" : strerror(errno));
		return false;
	}
	if (geteuid() == 0 || geteuid() == status.st_uid)
		return true;
	fprintf(stderr, "%s: %s: only root and the spool's owner may change it\n", arguments->label, arguments->path);
	return false;
}

bool spool_change_confirmed(const struct spool_arguments *arguments, const char *question)
{
	char answer[16] = "";
	if (arguments->yes)
		return true;
	fprintf(stderr, "%s: %s", arguments->label, question);
	if (!isatty(STDIN_FILENO)) {
		fputs(" Say so with --yes.\n", stderr);
		return false;
	}
	fputs(" [y/N] ", stderr);
	return fgets(answer, sizeof answer, stdin) != NULL && (strcmp(answer, "y\n") == 0 || strcmp(answer, "yes\n") == 0);
}

/* ---- the audit ---- */

static void text(yajl_gen gen, const char *name, const char *value)
{
	if (value == NULL)
		return;
	yajl_gen_string(gen, (const unsigned char *)name, strlen(name));
	yajl_gen_string(gen, (const unsigned char *)value, strlen(value));
}

static void number(yajl_gen gen, const char *name, uint64_t value)
{
	yajl_gen_string(gen, (const unsigned char *)name, strlen(name));
	yajl_gen_integer(gen, (long long)value);
}

static void write_line(yajl_gen gen, const struct spool_audit *audit)
{
	char stamp[32];
	time_t now = time(NULL);
	struct tm parts;
	const struct passwd *user = getpwuid(geteuid());
	strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &parts));
	yajl_gen_map_open(gen);
	text(gen, "timestamp", stamp);
	number(gen, "uid", geteuid());
	text(gen, "user", user != NULL ? user->pw_name : NULL);
	text(gen, "command", audit->command);
	text(gen, "output", audit->output);
	text(gen, "new_name", audit->new_name);
	text(gen, "file", audit->file);
	number(gen, "messages", audit->messages);
	yajl_gen_map_close(gen);
}

/* A file that root makes in the spool belongs to its owner. 0 or an errno. */
static int give_to_owner(int file, const char *spool)
{
	struct stat status;
	return stat(spool, &status) == 0 && fchown(file, status.st_uid, status.st_gid) == 0 ? 0 : errno;
}

/* One write for the whole line, its LF included: lines of two writers do not mix. 0 or an errno. */
static int append(const char *spool, const char *path, const unsigned char *line, size_t len)
{
	int file = open(path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (file < 0)
		return errno;
	int error = geteuid() == 0 ? give_to_owner(file, spool) : 0;
	ssize_t put;
	do
		put = write(file, line, len);
	while (put < 0 && errno == EINTR);
	if (put < 0 || (size_t)put < len)
		error = put < 0 ? errno : ENOSPC;
	if (error == 0 && fdatasync(file) != 0)
		error = errno;
	close(file);
	return error;
}

bool spool_change_audit(const struct spool_arguments *arguments, const struct spool_audit *audit)
{
	char path[4096];
	const unsigned char *line;
	size_t len;
	int error = ENOMEM;
	yajl_gen gen = yajl_gen_alloc(NULL);
	if (gen != NULL) {
		write_line(gen, audit);
		/* A generator whose value is whole begins the next one with what yajl_gen_reset() is told: the LF. */
		yajl_gen_reset(gen, "\n");
		if ((size_t)snprintf(path, sizeof path, "%s/audit", arguments->path) >= sizeof path)
			error = ENAMETOOLONG;
		else if (yajl_gen_get_buf(gen, &line, &len) == yajl_gen_status_ok)
			error = append(arguments->path, path, line, len);
		yajl_gen_free(gen);
	}
	if (error != 0)
		fprintf(stderr, "%s: nothing was changed, because the line in %s/audit cannot be written: %s\n", arguments->label,
		        arguments->path, strerror(error));
	return error == 0;
}
