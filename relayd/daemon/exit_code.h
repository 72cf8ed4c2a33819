/* SPDX-License-Identifier: Apache-2.0 */
/* How relayd ends, for supervisors and scripts; relayd(8) lists the same numbers. Values never change. */
#ifndef RELAYD_DAEMON_EXIT_CODE_H
#define RELAYD_DAEMON_EXIT_CODE_H

enum exit_code {
	EXIT_CODE_OK = 0,
	EXIT_CODE_FAILED = 1,         /* while running: the disk failed, or memory was short; or stdout takes no text */
	EXIT_CODE_USAGE = 2,          /* arguments or configuration are wrong */
	EXIT_CODE_SPOOL_LOCKED = 3,   /* another process has the spool */
	EXIT_CODE_SPOOL_UNUSABLE = 4, /* newer version, I/O error, no permission */
	EXIT_CODE_INPUT = 5,          /* port in use, certificate unusable */
	EXIT_CODE_OUTPUT = 6,         /* certificate or file unusable */
	EXIT_CODE_ORPHAN = 7,         /* the spool holds messages for an output that left the configuration */
	EXIT_CODE_PRIVILEGE = 8,      /* `user` is unknown, or privileges could not be given up */
	EXIT_CODE_INTERRUPTED = 9,    /* a second signal ended it before it had stopped in order */
};

#endif
