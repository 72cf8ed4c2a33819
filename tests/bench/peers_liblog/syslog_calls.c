/* SPDX-License-Identifier: Apache-2.0 */
/* glibc's syslog() with the text that liblog sends to /dev/log. See calls.h. */
#include "calls.h"

#include <syslog.h>

static void with_syslog(void)
{
	syslog(LOG_INFO,
	       "@cee: {\"timestamp\":\"2026-10-11T22:14:15.003000Z\",\"severity\":\"info\",\"facility\":\"auth\","
	       "\"hostname\":\"%s\",\"app_name\":\"%s\",\"procid\":\"%d\",\"msgid\":\"auth\",\"msg\":\"%s\","
	       "\"method\":\"%s\",\"valid\":%s,\"user\":\"%s\",\"remote_ip\":\"%s\",\"remote_port\":%d,"
	       "\"protocol\":\"%s\",\"info\":\"%s\",\"attempt\":%d}",
	       "web01.example.net", "sshd", 4711, login.msg, login.method, login.valid ? "true" : "false", login.user,
	       login.ip, login.port, login.protocol, login.info, login.attempt);
}

int main(int argc, char **argv)
{
	if (argc < 2)
		return 2;
	openlog("sshd", LOG_PID, LOG_AUTH);
	measure("glibc syslog()", with_syslog, atoi(argv[1]), BURST_PAUSE_US);
	return 0;
}
