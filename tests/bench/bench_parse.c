/* SPDX-License-Identifier: Apache-2.0 */
/* What reading one message costs: nanoseconds a message for the common kinds, one thread, from a warm cache. */
#include "base/clock.h"
#include "syslog/parse.h"

#include <stdio.h>
#include <stdlib.h>

enum { ROUNDS_DEFAULT = 3000000 };

struct sample {
	const char *name;
	const char *text;
};

static const struct sample samples[] = {
	{"RFC 3164, sshd",
	 "<38>Oct 11 22:14:15 web01 sshd[4711]: Failed password for invalid user admin from 192.0.2.77 port 54460 ssh2"},
	{"RFC 3164 behind an ISO date",
	 "<38>2026-10-11T22:14:15.123456+02:00 web01 sshd[4711]: Failed password for root from 192.0.2.77 port 54460 ssh2"},
	{"RFC 5424 with STRUCTURED-DATA",
	 "<86>1 2026-10-11T22:14:15.003123Z web01.example.com sshd 4711 auth [slog@32473 method=\"password\" "
	 "valid=\"false\" "
	 "user=\"root\" remote_ip=\"192.0.2.77\" remote_port=\"54460\" protocol=\"ssh2\"] Failed password for root"},
	{"RFC 5424 without",
	 "<86>1 2026-10-11T22:14:15.003123Z web01.example.com sshd 4711 - - Failed password for root from 192.0.2.77"},
	{"free text",
	 "<13>the quick brown fox jumps over the lazy dog and goes on its way to the other side of the forest"},
};

int main(int argc, char **argv)
{
	long rounds = argc > 1 ? strtol(argv[1], NULL, 10) : ROUNDS_DEFAULT;
	static struct timezone_rules zone;
	static struct parse_context context;
	if (!timezone_from_posix(BYTES("CET-1CEST,M3.5.0,M10.5.0/3"), &zone))
		return EXIT_FAILURE;
	context.zone = &zone;
	for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
		struct bytes raw = bytes_of_text(samples[i].text);
		struct message message;
		uint64_t sum = 0;
		uint64_t begin = clock_monotonic_ns();
		for (long round = 0; round < rounds; round++) {
			context.received_ns = 1791756860LL * CLOCK_NS_PER_SECOND + round;
			parse_message(raw, &context, &message);
			sum += message.msg.len;
		}
		uint64_t elapsed = clock_monotonic_ns() - begin;
		printf("%-32s %3zu octets  %6.1f ns/message\n", samples[i].name, raw.len, (double)elapsed / (double)rounds);
		if (sum == 0)
			return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}
