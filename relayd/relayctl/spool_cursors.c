/* SPDX-License-Identifier: Apache-2.0 */
/* `relayctl spool forget` and `rename-output`: outputs that left the configuration, or have another name in it. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "output/output_common.h"
#include "relayctl/spool_change.h"
#include "spool/spool_hand.h"

/* The spool's lock and the cursor that the first word names; NULL after having said why not. */
static struct spool_hand *take(const struct spool_arguments *arguments, struct spool_orphan *cursor)
{
	char error[SPOOL_ERROR_MAX_BYTES];
	if (!spool_change_allowed(arguments))
		return NULL;
	struct spool_hand *hand = spool_hand_take(arguments->path, error);
	if (hand == NULL) {
		spool_command_fail(arguments, error);
		return NULL;
	}
	if (spool_hand_find(hand, arguments->words[0], cursor))
		return hand;
	fprintf(stderr, "%s: %s: has no place of an output \"%s\"\n", arguments->label, arguments->path, arguments->words[0]);
	spool_hand_release(&hand);
	return NULL;
}

static enum relayctl_exit forget(const struct spool_arguments *arguments, struct spool_hand *hand,
                                 const struct spool_orphan *cursor)
{
	char question[256];
	char error[SPOOL_ERROR_MAX_BYTES];
	snprintf(question, sizeof question, "the output \"%s\" has not got %" PRIu64 " messages. Give them up?", cursor->name,
	         cursor->pending);
	if (cursor->pending > 0 && !spool_change_confirmed(arguments, question))
		return RELAYCTL_FAILED;
	const struct spool_audit audit = {.command = "forget", .output = cursor->name, .messages = cursor->pending};
	if (!spool_change_audit(arguments, &audit))
		return RELAYCTL_FAILED;
	if (!spool_hand_forget(hand, cursor->name, error))
		return spool_command_fail(arguments, error);
	printf("%s: the place of the output \"%s\" is gone, with %" PRIu64 " messages that it had not got\n", arguments->path,
	       cursor->name, cursor->pending);
	return RELAYCTL_OK;
}

enum relayctl_exit spool_forget_run(const struct spool_arguments *arguments)
{
	struct spool_orphan cursor;
	struct spool_hand *hand = take(arguments, &cursor);
	enum relayctl_exit code = hand != NULL ? forget(arguments, hand, &cursor) : RELAYCTL_FAILED;
	spool_hand_release(&hand);
	return code;
}

/* An errno. ENOENT: there is nothing under the old name. */
static int move_quarantine(int directory, const char *from, const char *to)
{
	int error = renameat2(directory, from, directory, to, RENAME_NOREPLACE) != 0 ? errno : 0;
	/* Where it has moved already, in a command that was cut, nobody knows whether that is on the disk. */
	if ((error == 0 || error == ENOENT) && fsync(directory) != 0)
		error = errno;
	return error;
}

static void say_not_renamed(const struct spool_arguments *arguments, int error)
{
	const char *label = arguments->label, *path = arguments->path;
	const char *from = arguments->words[0], *to = arguments->words[1];
	if (error == EEXIST)
		fprintf(stderr, "%s: the output is not renamed, because both %s/quarantine/%s and %s/quarantine/%s exist: move one "
		        "of them out of the way\n", label, path, from, path, to);
	else
		fprintf(stderr, "%s: the output is not renamed, because its quarantine %s/quarantine/%s cannot be named \"%s\": "
		        "%s\n", label, path, from, to, strerror(error));
}

static bool has_quarantine(const struct spool_arguments *arguments, const char *output)
{
	char path[4096];
	struct stat status;
	return (size_t)snprintf(path, sizeof path, "%s/quarantine/%s", arguments->path, output) < sizeof path &&
	       lstat(path, &status) == 0;
}

/* Known before anything is written down: nobody shall read in the audit of what was refused. */
static bool quarantine_can_move(const struct spool_arguments *arguments)
{
	if (!has_quarantine(arguments, arguments->words[0]) || !has_quarantine(arguments, arguments->words[1]))
		return true;
	say_not_renamed(arguments, EEXIST);
	return false;
}

/*
 * What the output's next hop refused goes with it, if there is anything. It goes first: a command that did not come to its
 * end is given again and finds the rest to do, as the output still has its place under the old name.
 */
static bool rename_quarantine(const struct spool_arguments *arguments)
{
	char path[4096];
	bool fits = (size_t)snprintf(path, sizeof path, "%s/quarantine", arguments->path) < sizeof path;
	int directory = fits ? open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	int error = fits ? errno : ENAMETOOLONG;
	if (directory >= 0)
		error = move_quarantine(directory, arguments->words[0], arguments->words[1]);
	if (directory >= 0)
		close(directory);
	if (error == 0 || error == ENOENT)
		return true;
	say_not_renamed(arguments, error);
	return false;
}

static enum relayctl_exit rename_output(const struct spool_arguments *arguments, struct spool_hand *hand,
                                        const struct spool_orphan *cursor)
{
	const char *new_name = arguments->words[1];
	char error[SPOOL_ERROR_MAX_BYTES];
	struct spool_orphan other;
	if (spool_hand_find(hand, new_name, &other)) {
		fprintf(stderr, "%s: %s: has a place of an output \"%s\" already\n", arguments->label, arguments->path, new_name);
		return RELAYCTL_FAILED;
	}
	if (!quarantine_can_move(arguments))
		return RELAYCTL_FAILED;
	const struct spool_audit audit = {
		.command = "rename-output", .output = cursor->name, .new_name = new_name, .messages = cursor->pending};
	if (!spool_change_audit(arguments, &audit))
		return RELAYCTL_FAILED;
	if (!rename_quarantine(arguments))
		return RELAYCTL_FAILED;
	if (!spool_hand_rename(hand, cursor->name, new_name, error))
		return spool_command_fail(arguments, error);
	printf("%s: the place of the output \"%s\" is now that of \"%s\", which gets %" PRIu64 " messages first\n",
	       arguments->path, cursor->name, new_name, cursor->pending);
	return RELAYCTL_OK;
}

enum relayctl_exit spool_rename_output_run(const struct spool_arguments *arguments)
{
	char error[OUTPUT_ERROR_MAX_BYTES];
	struct spool_orphan cursor;
	/* A name that no configuration can have would lock the spool for good. */
	const struct output_common named = {.name = (char *)(uintptr_t)arguments->words[1]};
	if (!output_common_check(&named, error))
		return spool_command_fail(arguments, error);
	struct spool_hand *hand = take(arguments, &cursor);
	enum relayctl_exit code = hand != NULL ? rename_output(arguments, hand, &cursor) : RELAYCTL_FAILED;
	spool_hand_release(&hand);
	return code;
}
