/* SPDX-License-Identifier: Apache-2.0 */
/* One call of nine fields in a function of its own, whose size check_call_site reads from the object file. */
#include <liblog/slog.h>

struct login {
	const char *msg, *method, *user, *ip, *protocol, *info;
	int valid, port, attempt;
};

void call_site(const struct login *login);

void call_site(const struct login *login)
{
	slog_info("auth", "msg", login->msg, "method", login->method, "valid", login->valid, "user", login->user, "remote_ip",
	          login->ip, "remote_port", login->port, "protocol", login->protocol, "info", login->info, "attempt",
	          login->attempt);
}
