/* SPDX-License-Identifier: Apache-2.0 */
/* The messages of a spool one by one, as `cat`, `grep` and `replay` want them: a range, filtered, unpacked. */
#ifndef RELAYD_RELAYCTL_SPOOL_RECORDS_H
#define RELAYD_RELAYCTL_SPOOL_RECORDS_H

#include "relayctl/spool_command.h"
#include "spool/spool_files.h"
#include "syslog/envelope.h"

/* The files that the arguments mean: the spool's or, with --quarantine, that file. As spool_files_open(). */
struct spool_files *spool_command_files(const struct spool_arguments *arguments, char *error);

/* Set up with spool_records_open(); private. */
struct spool_records {
	const struct spool_arguments *arguments;
	struct spool_files *files;
	struct spool_files_walk *walk;
	struct spool_filter *filter;
	uint64_t first, last;   /* sequences that are wanted */
	uint64_t next;          /* sequence of the first of `rest` */
	struct bytes rest;      /* of the block at hand */
	struct envelope_context unpacking;
	bool ended;
	uint64_t unreadable;    /* readable: messages in the range that are damaged; told on stderr as they are met */
};

/*
 * Opens the spool for the range and filter that the arguments say; with --output for what that output has not got.
 * RELAYCTL_OK, or another code after having said why not on stderr: RELAYCTL_USAGE for a filter that is none.
 * spool_records_close() frees; harmless if all is zero.
 */
enum relayctl_exit spool_records_open(struct spool_records *records, const struct spool_arguments *arguments);
void spool_records_close(struct spool_records *records);

/* The next message; false at the end. It lives until the next call. */
bool spool_records_next(struct spool_records *records, uint64_t *sequence, struct envelope *envelope);

#endif
