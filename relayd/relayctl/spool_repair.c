/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `relayctl spool repair`: a plan first, and only with --apply a change. Most damage needs no hand: recovery and readers
 * step over it and count it, and the plan says so. What stops a start are segments that somebody copied here from another
 * spool: these are set aside, under another name, and nothing is ever removed.
 */
#include <inttypes.h>
#include <string.h>

#include "relayctl/spool_change.h"
#include "spool/spool_files.h"
#include "spool/spool_hand.h"

struct plan {
	const struct spool_arguments *arguments;
	struct spool_files *files;
	unsigned foreign;  /* segments to be set aside */
	unsigned notes;    /* what the next start does by itself */
};

/* ---- the plan ---- */

static void plan_segments(struct plan *plan)
{
	char name[DISK_NAME_MAX_BYTES];
	for (unsigned i = 0; i < spool_files_count(plan->files); i++) {
		const struct spool_files_segment *segment = spool_files_segment(plan->files, i);
		if (!segment->foreign)
			continue;
		spool_files_name(segment, name);
		printf("to do: %s is of another spool, so relayd does not start: set it aside as set-aside-%s\n", name, name);
		plan->foreign++;
	}
}

static void plan_damage(struct plan *plan, const struct spool_place_found *place)
{
	if (place->segment->foreign)
		return; /* told already */
	plan->notes++;
	printf("by itself: segment %" PRIu64 ", offset %" PRIu64 ": %s; ", place->segment->counter, place->offset, place->why);
	if (place->last < place->first)
		puts("it is stepped over");
	else
		printf("messages %" PRIu64 " to %" PRIu64 " are counted as damaged for each output that has not got them\n",
		       place->first, place->last);
}

static bool plan_places(struct plan *plan)
{
	struct spool_place_found place;
	struct spool_files_walk *walk = spool_files_walk_open(plan->files, 0);
	if (walk == NULL)
		return false;
	for (enum spool_place_kind kind; (kind = spool_files_next(walk, &place)) != SPOOL_PLACE_END;) {
		if (kind == SPOOL_PLACE_DAMAGE) {
			plan_damage(plan, &place);
		} else if (kind == SPOOL_PLACE_TAIL && place.len > 0) {
			plan->notes++;
			printf("by itself: segment %" PRIu64 ", offset %" PRIu64 ": %" PRIu64
			       " octets of a write that was not finished are discarded; nothing in them was acknowledged\n",
			       place.segment->counter, place.offset, place.len);
		} else if (kind == SPOOL_PLACE_NEWER) {
			plan->notes++;
			puts("a newer version of relayd wrote this spool: nothing is done with it");
			break;
		}
	}
	spool_files_walk_close(&walk);
	return true;
}

static void plan_cursors(struct plan *plan)
{
	struct spool_peeked cursor;
	int count = spool_files_cursors(plan->files, &cursor, 1);
	if (count >= 0)
		return;
	plan->notes++;
	printf("by itself: the file of cursors (%s) is made anew, and each output gets everything that is kept once more\n",
	       strerror(-count));
}

/* ---- applying it ---- */

static bool set_aside(const struct plan *plan, const struct spool_files_segment *segment)
{
	char name[DISK_NAME_MAX_BYTES];
	spool_files_name(segment, name);
	const struct spool_audit audit = {.command = "repair", .file = name};
	if (!spool_change_audit(plan->arguments, &audit))
		return false;
	int result = spool_files_set_segment_aside(plan->files, segment);
	if (result < 0)
		fprintf(stderr, "%s: %s: %s\n", plan->arguments->label, name, strerror(-result));
	else
		printf("done: %s is now set-aside-%s\n", name, name);
	return result == 0;
}

static enum relayctl_exit apply(const struct plan *plan)
{
	char error[SPOOL_ERROR_MAX_BYTES];
	if (!spool_change_allowed(plan->arguments))
		return RELAYCTL_FAILED;
	struct spool_hand *hand = spool_hand_take(plan->arguments->path, error);
	if (hand == NULL)
		return spool_command_fail(plan->arguments, error);
	bool good = true;
	for (unsigned i = 0; i < spool_files_count(plan->files) && good; i++) {
		const struct spool_files_segment *segment = spool_files_segment(plan->files, i);
		good = !segment->foreign || set_aside(plan, segment);
	}
	spool_hand_release(&hand);
	return good ? RELAYCTL_OK : RELAYCTL_FAILED;
}

enum relayctl_exit spool_repair_run(const struct spool_arguments *arguments)
{
	char error[SPOOL_ERROR_MAX_BYTES];
	struct plan plan = {.arguments = arguments, .files = spool_files_open(arguments->path, error)};
	enum relayctl_exit code = RELAYCTL_OK;
	if (plan.files == NULL)
		return spool_command_fail(arguments, error);
	plan_segments(&plan);
	plan_cursors(&plan);
	if (!plan_places(&plan)) {
		code = spool_command_fail(arguments, "not enough memory");
	} else if (plan.foreign > 0 && arguments->apply) {
		code = apply(&plan);
	} else if (plan.foreign > 0) {
		puts("nothing was changed: say --apply to do what is to do");
		code = RELAYCTL_DAMAGED;
	} else if (plan.notes == 0) {
		printf("%s: there is nothing to repair\n", arguments->path);
	}
	spool_files_close(&plan.files);
	return code;
}
