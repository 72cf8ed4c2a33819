/* SPDX-License-Identifier: Apache-2.0 */
/* liblog, to memory, or with a second argument to that sink (as in SLOG_SINK) in bursts; and snprintf(). See calls.h. */
#include "calls.h"

#include <liblog/sink.h>

static int take(struct slog_sink *sink, const char *line, size_t length, enum slog_severity severity)
{
	(void)sink;
	(void)severity;
	memcpy(memory(), line, length);
	memory_length = length;
	return 0;
}

static void keep_open(struct slog_sink *sink)
{
	(void)sink;
}

static const struct slog_sink_driver driver = {.name = "memory", .line_feed = true, .write = take, .close = keep_open};
static struct slog_sink json_sink = {&driver, &slog_encoder_json, MEMORY_BYTES - 1};
static struct slog_sink sd_sink = {&driver, &slog_encoder_rfc5424, MEMORY_BYTES - 1};

static void with_slog(void)
{
	slog_info("auth", "msg", login.msg, "method", login.method, "valid", login.valid, "user", login.user,
	          "remote_ip", login.ip, "remote_port", login.port, "protocol", login.protocol, "info", login.info,
	          "attempt", login.attempt);
}

static void with_snprintf(void)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	memory_length = (size_t)snprintf(
		memory(), MEMORY_BYTES,
		"{\"timestamp\":\"%04d-%02d-%02dT%02d:%02d:%02d.%06ldZ\",\"severity\":\"%s\",\"facility\":\"%s\","
		"\"hostname\":\"%s\",\"app_name\":\"%s\",\"procid\":\"%d\",\"msgid\":\"%s\",\"msg\":\"%s\",\"method\":\"%s\","
		"\"valid\":%s,\"user\":\"%s\",\"remote_ip\":\"%s\",\"remote_port\":%d,\"protocol\":\"%s\",\"info\":\"%s\","
		"\"attempt\":%d}\n",
		2026, 10, 11, 22, 14, 15, now.tv_nsec / 1000, "info", "auth", "web01.example.net", "sshd", 4711, "auth", login.msg,
		login.method, login.valid ? "true" : "false", login.user, login.ip, login.port, login.protocol, login.info,
		login.attempt);
}

/* What is lost would be cheap. */
static int lost_nothing(void)
{
	struct slog_counters counters = {.size = sizeof counters};
	slog_stats(&counters);
	if (counters.dropped[SLOG_INFO] > 0)
		fprintf(stderr, "%llu events were lost: %s\n", (unsigned long long)counters.dropped[SLOG_INFO],
		        strerror(counters.last_error));
	return counters.dropped[SLOG_INFO] == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
	struct slog_options options = {.size = sizeof options, .app_name = "sshd", .hostname = "web01.example.net",
	                               .facility = SLOG_AUTH, .levels = "info", .sink = &json_sink};
	if (argc < 2)
		return 2;
	if (argc > 2) {
		char error[SLOG_SINK_ERROR_MAX];
		options.sink = slog_sink_from_text(argv[2], error);
		if (options.sink == NULL || slog_open(&options) != 0)
			return 2;
		measure(argv[2], with_slog, atoi(argv[1]), BURST_PAUSE_US);
		return lost_nothing();
	}
	if (slog_open(&options) != 0)
		return 2;
	measure("liblog, JSON", with_slog, atoi(argv[1]), 0);
	slog_set_sink(&slog_default_logger, &sd_sink);
	measure("liblog, RFC 5424", with_slog, atoi(argv[1]), 0);
	measure("snprintf, the same JSON", with_snprintf, atoi(argv[1]), 0);
	return 0;
}
