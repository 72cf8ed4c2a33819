/* SPDX-License-Identifier: Apache-2.0 */
/* `relayctl spool COMMAND`: the commands, and what all of them are told in the same way: where the spool is. */
#ifndef RELAYD_RELAYCTL_SPOOL_COMMAND_H
#define RELAYD_RELAYCTL_SPOOL_COMMAND_H

#include <stdbool.h>
#include <stdint.h>

#include "relayctl/relayctl.h"

enum { SPOOL_WORDS_MAX = 2 };

/* What the command line says. Texts are the command line's own. */
struct spool_arguments {
	const char *label;                 /* "relayctl spool forget": how messages begin */
	const char *path;                  /* the spool's directory */
	const char *words[SPOOL_WORDS_MAX];/* what stands behind the options; NULL: not given */
	uint64_t first, last;              /* --first, --last: sequences; else 1 and UINT64_MAX */
	const char *output;                /* --output */
	const char *quarantine;            /* --quarantine: of that output, instead of the spool */
	const char *format;                /* --format */
	const char *filter;                /* --filter */
	const char *to;                    /* --to */
	const char *config;                /* -c */
	const char *control;               /* --control */
	bool json;                         /* --json */
	bool apply;                        /* --apply */
	bool yes;                          /* --yes */
};

/* Says on stderr, in the name of the command, what is wrong. RELAYCTL_FAILED. */
enum relayctl_exit spool_command_fail(const struct spool_arguments *arguments, const char *what);

/* The commands: each has checked nothing yet but the number of words. */
enum relayctl_exit spool_ls_run(const struct spool_arguments *arguments);
enum relayctl_exit spool_cat_run(const struct spool_arguments *arguments);
enum relayctl_exit spool_grep_run(const struct spool_arguments *arguments);
enum relayctl_exit spool_export_run(const struct spool_arguments *arguments);
enum relayctl_exit spool_replay_run(const struct spool_arguments *arguments);
enum relayctl_exit spool_verify_run(const struct spool_arguments *arguments);
enum relayctl_exit spool_repair_run(const struct spool_arguments *arguments);
enum relayctl_exit spool_drop_run(const struct spool_arguments *arguments);
enum relayctl_exit spool_forget_run(const struct spool_arguments *arguments);
enum relayctl_exit spool_rename_output_run(const struct spool_arguments *arguments);

#endif
