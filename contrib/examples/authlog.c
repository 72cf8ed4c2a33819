/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What sshd says of a login, as fields. It used to be
 *
 *	syslog(LOG_INFO, "%s %s for %s%.100s from %.200s port %d ssh2%s%s", ...);
 *
 * and a login as "root from 8.8.8.8" made a line that names another address. Here it is the value of one field.
 *
 * Usage: authlog USER. Where the event goes: SLOG_SINK=json, console, syslog, file:PATH, ...; see liblog(3).
 */
#include <liblog/slog.h>

struct login {
	const char *method;
	bool is_valid; /* there is such a user */
	const char *user;
	const char *remote_ip;
	unsigned short remote_port;
	unsigned failures;
	const char *info; /* NULL: nothing to add */
};

static void authlog(const struct login *login, const char *msg)
{
	slog_info("auth", "msg", msg, "method", login->method, "valid", login->is_valid, "user", login->user,
	          "remote_ip", login->remote_ip, "remote_port", login->remote_port, "protocol", "ssh2",
	          "failures", login->failures, "info", login->info);
}

int main(int argc, char **argv)
{
	struct slog_options options = {.size = sizeof options, .app_name = "sshd", .facility = SLOG_AUTH};
	if (slog_open(&options) != 0)
		return 1;
	struct login login = {
		.method = "password",
		.user = argc > 1 ? argv[1] : "root",
		.remote_ip = "192.0.2.7",
		.remote_port = 54460,
		.failures = 1,
	};
	authlog(&login, "Failed");
	slog_close();
	return 0;
}
