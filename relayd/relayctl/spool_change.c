/* SPDX-License-Identifier: Apache-2.0 */
#include "relayctl/spool_change.h"

#include <errno.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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

static int write_audit(const struct spool_arguments *arguments, const struct spool_audit *audit)
{
	struct spool_audit line = *audit;
	const struct passwd *user = getpwuid(geteuid());
	line.uid = geteuid();
	line.user = user != NULL ? user->pw_name : NULL;
	return spool_audit_write(arguments->path, &line);
}

static bool is_written(const struct spool_arguments *arguments, int result)
{
	if (result < 0)
		fprintf(stderr, "%s: nothing was changed, because the line in %s/audit cannot be written: %s\n", arguments->label,
		        arguments->path, strerror(-result));
	return result == 0;
}

bool spool_change_audit(const struct spool_arguments *arguments, const struct spool_audit *audit)
{
	return is_written(arguments, write_audit(arguments, audit));
}

bool spool_change_audit_if_room(const struct spool_arguments *arguments, const struct spool_audit *audit)
{
	int result = write_audit(arguments, audit);
	if (!spool_audit_no_room(result))
		return is_written(arguments, result);
	fprintf(stderr, "%s: warning: the line in %s/audit is not written: %s\n", arguments->label, arguments->path,
	        strerror(-result));
	return true;
}
