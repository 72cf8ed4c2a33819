/* SPDX-License-Identifier: Apache-2.0 */
/* libsystemd's sd_journal_send(). See calls.h. */
#include "calls.h"

#include <syslog.h>
#include <systemd/sd-journal.h>

static void with_journal(void)
{
	sd_journal_send("MESSAGE=%s", login.msg, "PRIORITY=%i", LOG_INFO, "SYSLOG_FACILITY=%i", LOG_AUTH >> 3,
	                "SYSLOG_IDENTIFIER=%s", "sshd", "SYSLOG_MSGID=%s", "auth", "METHOD=%s", login.method, "VALID=%s",
	                login.valid ? "true" : "false", "USER=%s", login.user, "REMOTE_IP=%s", login.ip, "REMOTE_PORT=%i",
	                login.port, "PROTOCOL=%s", login.protocol, "INFO=%s", login.info, "ATTEMPT=%i", login.attempt, NULL);
}

int main(int argc, char **argv)
{
	if (argc < 2)
		return 2;
	measure("sd_journal_send", with_journal, atoi(argv[1]), BURST_PAUSE_US);
	return 0;
}
