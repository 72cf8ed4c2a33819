/* SPDX-License-Identifier: Apache-2.0 */
/* The spool's file `audit`: a line of JSON for each change that an operator made by hand, and for what became of it. */
#ifndef RELAYD_SPOOL_SPOOL_AUDIT_H
#define RELAYD_SPOOL_SPOOL_AUDIT_H

#include <stdbool.h>
#include <stdint.h>

/* What is to be written down. Texts may be NULL or empty, `rule` and `to` 0: then they are left out. */
struct spool_audit {
	const char *command;
	uint32_t uid;                          /* whose change it is */
	const char *user;                      /* the same as a name */
	const char *output, *new_name, *file, *filter;
	uint64_t rule, to;
	uint64_t messages;
};

/*
 * Appends a line with the time and syncs it, in the spool at `path`. The file is the spool's owner's, also if root
 * makes it, or finds one that is its own. 0 or a negative errno. From any thread.
 */
int spool_audit_write(const char *path, const struct spool_audit *audit);

/* Whether that result says that the disk is full. It is no reason to refuse a `drop`, which may be what makes room again. */
bool spool_audit_no_room(int result);

#endif
