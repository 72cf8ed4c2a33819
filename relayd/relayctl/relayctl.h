/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of relayctl share: its exit codes and its commands. */
#ifndef RELAYD_RELAYCTL_RELAYCTL_H
#define RELAYD_RELAYCTL_RELAYCTL_H

#include <stdio.h>

/* relayctl(1) lists the same numbers. Values never change. */
enum relayctl_exit {
	RELAYCTL_OK = 0,
	RELAYCTL_FAILED = 1, /* a file cannot be read or written, a stream cannot be followed, relayd does not answer */
	RELAYCTL_USAGE = 2,
	RELAYCTL_DAMAGED = 3, /* `relayctl spool`: something could not be read from the spool; all else was */
	RELAYCTL_NOTHING = 4, /* `relayctl spool grep`, `spool drop`: no message is like that */
	RELAYCTL_DIFFERS = 5, /* a sum of the ledger does not add up; a drill lost or doubled; a probe came twice */
	RELAYCTL_UNPROVED = 6, /* a drill that proves nothing, a probe that did not arrive in time */
};

/* Each command gets its own arguments: argv[0] is its name. `print_help` prints how it is called. */
enum relayctl_exit convert_run(int argc, char **argv);
void convert_print_help(FILE *out);

enum relayctl_exit status_run(int argc, char **argv);
void status_print_help(FILE *out);

enum relayctl_exit ledger_run(int argc, char **argv);
void ledger_print_help(FILE *out);

enum relayctl_exit probe_run(int argc, char **argv);
void probe_print_help(FILE *out);

enum relayctl_exit drill_run(int argc, char **argv);
void drill_print_help(FILE *out);

enum relayctl_exit stream_run(int argc, char **argv);
void stream_print_help(FILE *out);

enum relayctl_exit spool_run(int argc, char **argv);
void spool_print_help(FILE *out);

#endif
