/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lines of a load: what programs of 64 hosts say, in RFC 3164, and in RFC 5424 with STRUCTURED-DATA. Each line has a
 * host, users, addresses, ports, PIDs, identifiers and durations of its own, but all have one length: they are cut, and
 * long ones say more of the same. They are made once, side by side, always the same ones; whenever one is sent again, its
 * TIMESTAMP, number and time (bench_common.h) are written anew.
 *
 * There are so many that no 256 KiB have one twice. Of these `zstd -3` packs 256 KiB 6.8 times smaller, with a mix 6.3
 * times; `zstd -1` 6.6 and 6.2. Of real logs `zstd -3` packs dpkg.log 11 times smaller, apt's history.log 4 times.
 */
#pragma once

#include "bench_common.h"

#include <assert.h>

enum {
	LINES_BYTES = 512 << 10,
	LINES_MAX = LINES_BYTES / LINE_BYTES,
	HOSTS = 64,
	LINE_PIECE_MAX = 512,    /* of one text of the tables, with its values */
	FINGERPRINT_DIGITS = 43, /* of SHA-256 in base64 */
	VALUES_KEPT = 32,
	VALUE_MAX = 48,
	LEGACY_DATE_BYTES = 15, /* Oct 11 22:14:15 */
	MODERN_DATE_BYTES = 27, /* 2026-10-11T22:14:15.003000Z */
	NUMBER_AT = 2,          /* in number and time */
	MIX_PERIOD = 5,         /* with a mix, so many lines in a row are three of RFC 3164 and two of RFC 5424 */
	MIX_LEGACY = 3,
};

/*
 * A line is its PRI (and VERSION), TIMESTAMP, a host, its origin, number and time, and text. In these %h is a host, %u a
 * user, %a an address, %p a port, %d a number of up to five digits, %x one of eight hexadecimal ones, %k a fingerprint. No
 * word before a '=' ends with 'n' (bench_common.h).
 */
struct line_form {
	const char *pri, *origin, *text;
};

static const struct line_form legacy_forms[] = {
	{"<38>", "sshd[%d]: ",
	 "Failed password for invalid user %u from %a port %p ssh2: RSA SHA256:%k [preauth], maximum of attempts "
	 "since the connection came: 6"},
	{"<86>", "sshd[%d]: ",
	 "Accepted publickey for %u from %a port %p ssh2: ED25519 SHA256:%k, certificate of %u signed by the user CA "
	 "with RSA SHA256:%k"},
	{"<38>", "sshd[%d]: ",
	 "Received disconnect from %a port %p:11: disconnected by user %u after %d s, session closed and its agent "
	 "socket removed, %d octets in"},
	{"<38>", "sshd[%d]: ",
	 "Invalid user %u from %a port %p, kex curve25519-sha256, host key ssh-ed25519 SHA256:%k, cipher "
	 "aes128-gcm@openssh.com"},
	{"<86>", "sshd[%d]: ",
	 "pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=%a  user=%u, "
	 "further attempts are delayed by %d ms"},
	{"<22>", "postfix/smtp[%d]: ",
	 "%x: to=<%u@example.com>, relay=mx1.example.com[%a]:25, delay=0.%d, delays=0.02/0.01/0.13/0.4, dsn 2.0.0, "
	 "status=sent (250 2.0.0 Ok: queued as %x)"},
	{"<22>", "postfix/qmgr[%d]: ",
	 "%x: from=<%u@example.net>, size=%d, nrcpt=1 (queue active), message-id=<%x.%x@%h>, deferred none"},
	{"<78>", "CRON[%d]: ",
	 "(%u) CMD (test -x /usr/lib/jobs/collect && /usr/lib/jobs/collect --lease %x --deadline 600 --report %h:8443 "
	 ">/dev/null 2>&1)"},
	{"<85>", "sudo: ",
	 "%u : TTY=pts/0 ; PWD=/home/%u ; USER=root ; COMMAND=/usr/bin/systemctl restart app@%d.service "
	 "--job-mode=replace --no-ask-password ; TSID=%x"},
	{"<6>", "kernel: ",
	 "[%d.%d] nft drop: IN=eth0 OUT= MAC=02:42:ac:11:00:02:02:42:57:9a:3c:11:08:00 SRC=%a DST=%a LEN=60 TOS=0x00 "
	 "PREC=0x00 TTL=52 ID=%p DF"},
	{"<134>", "haproxy[%d]: ",
	 "%a:%p [%d] https~ app/app2 0/0/1/%d/%d 200 %d - - ---- 14/12/0/0/0 0/0 \"GET /api/v2/orders/%x?per_page=50 "
	 "HTTP/1.1\""},
	{"<190>", "nginx: ",
	 "%a - %u \"POST /checkout/%x HTTP/1.1\" 201 %d \"https://www.example.net/cart\" \"Mozilla/5.0 (X11; Linux "
	 "x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\""},
	{"<30>", "dhcpd[%d]: ",
	 "DHCPACK on %a to 02:42:%x (%h) via eth0 relay %a lease-duration 3600 offered-duration 3600 uid "
	 "01:02:42:ac:11:00:02"},
	{"<29>", "named[%d]: ",
	 "client @0x7f2c%x %a#%p (%h): query: %h IN AAAA +E(0)K (10.0.0.53), answered from the cache"},
	{"<28>", "systemd[1]: ",
	 "app@%d.service: Main process exited, code=exited, status=1/FAILURE; scheduled restart job, restart counter "
	 "is at %d; consumed %d ms CPU time"},
	{"<36>", "auditd[%d]: ",
	 "type=USER_LOGIN msg=audit(1764%p.%d:%d): pid=%d uid=0 auid=1000 ses=%d subj=unconfined acct=\"%u\" "
	 "exe=\"/usr/sbin/sshd\" addr=%a terminal=ssh"},
};

static const struct line_form modern_forms[] = {
	{"<165>1 ", "orders %d ORDER [order@32473 id=\"%x\" items=\"%d\" state=\"paid\"] ",
	 "charged card of %u in %d ms, request %x"},
	{"<134>1 ", "gateway %d ACCESS [http@32473 method=\"GET\" status=\"200\" ms=\"%d\" trace=\"%x\"] ",
	 "%a:%p %u /api/v2/items"},
	{"<131>1 ", "payments %d ID47 [error@32473 code=\"%d\" retry=\"3\" class=\"high\"] ",
	 "no answer from %h:8443 after %d ms, giving up on %x"},
	{"<166>1 ", "jobs %d DONE [job@32473 shard=\"%d\" lease=\"%x\" queue=\"mail \\\"bulk\\\"\"] ",
	 "finished for %u in %d ms, next in an hour"},
	{"<86>1 ", "sshd %d LOGIN [auth@32473 user=\"%u\" from=\"%a\" port=\"%p\" method=\"publickey\"] ",
	 "session %x opened"},
	{"<29>1 ", "dbpool - - [timeQuality isSynced=\"1\" syncAccuracy=\"%d\"][pool@32473 idle=\"%d\"] ",
	 "slow query %x took %d ms for %u"},
	{"<142>1 ", "cache %d EVICT [shard@32473 id=\"%d\" used=\"%d\" limit=\"65536\"] ",
	 "keys of %u went in %d us, the oldest was of yesterday"},
	{"<188>1 ", "edge.router %d BGP [peer@32473 addr=\"%a\" as=\"%d\" flaps=\"%d\"] ",
	 "neighbour %h went down: hold timer expired"},
};

enum {
	LEGACY_FORMS = sizeof(legacy_forms) / sizeof(*legacy_forms),
	MODERN_FORMS = sizeof(modern_forms) / sizeof(*modern_forms),
};

/* Lines side by side, `step` octets apart, and where each has what changes. */
struct lines {
	char *at;
	size_t step, most;
	struct line_place {
		uint16_t number, date;
		bool modern;
	} places[LINES_MAX];
};

/* What goes into a line that is sent now. */
struct line_stamp {
	time_t second; /* of the dates, but for the fraction */
	char legacy[LEGACY_DATE_BYTES + 1], modern[MODERN_DATE_BYTES + 1], number[STAMP_BYTES];
};

/* ---- making them ---- */

/* A number below that; always the same numbers, so that each run sends the same lines. */
static inline unsigned line_random(unsigned below)
{
	static uint64_t state = 1;
	state = state * 6364136223846793005 + 1442695040888963407;
	return (unsigned)((state >> 33) % below);
}

static inline void line_host(char *at)
{
	static const char *const roles[] = {"web", "db", "mail", "app", "cache", "build", "edge", "vpn"};
	unsigned host = line_random(HOSTS);
	sprintf(at, "%s%02u.example.net", roles[host % 8], host / 8 + 1);
}

static inline void line_fingerprint(char *at)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	for (int i = 0; i < FINGERPRINT_DIGITS; i++)
		at[i] = digits[line_random(64)];
	at[FINGERPRINT_DIGITS] = '\0';
}

/* Writes a new value of that kind. */
static inline void line_new_value(char *at, char kind)
{
	static const char *const users[] = {"administrator", "anna", "backup", "deploy", "git", "jonas", "maria", "nagios",
										"oracle", "postgres", "root", "svc-mail", "test", "ubuntu", "www-data", "yusuf"};
	switch (kind) {
	case 'h':
		line_host(at);
		break;
	case 'u':
		sprintf(at, "%s", users[line_random(16)]);
		break;
	case 'a':
		sprintf(at, "10.%u.%u.%u", line_random(4), line_random(32), line_random(256));
		break;
	case 'p':
		sprintf(at, "%u", 32768 + line_random(28232));
		break;
	case 'd':
		sprintf(at, "%u", line_random(16u << 4 * line_random(4)));
		break;
	case 'x':
		sprintf(at, "%04x%04x", line_random(1 << 16), line_random(1 << 16));
		break;
	default:
		line_fingerprint(at);
	}
}

/* What a log tells of is told several times: half the values are the last one again, and most others came lately. */
static inline char *line_put_value(char *at, char kind)
{
	static struct {
		unsigned last;
		char values[VALUES_KEPT][VALUE_MAX];
	} lately['z'];
	unsigned *last = &lately[(unsigned char)kind].last;
	bool is_other = line_random(2) == 0;
	if (is_other)
		*last = line_random(VALUES_KEPT);
	char *value = lately[(unsigned char)kind].values[*last];
	if (value[0] == '\0' || (is_other && line_random(4) == 0))
		line_new_value(value, kind);
	size_t len = strlen(value);
	memcpy(at, value, len);
	return at + len;
}

static inline char *line_put_text(char *at, const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '%')
			at = line_put_value(at, *++text);
		else
			*at++ = *text;
	}
	return at;
}

/* Writes a line of `len` octets, without its end, and without what line_stamp() writes. */
static inline struct line_place line_make(char *at, size_t len, bool modern)
{
	char whole[LINE_MAX_BYTES + LINE_PIECE_MAX];
	const struct line_form *form =
		modern ? &modern_forms[line_random(MODERN_FORMS)] : &legacy_forms[line_random(LEGACY_FORMS)];
	struct line_place place = {.date = (uint16_t)strlen(form->pri), .modern = modern};
	memcpy(whole, form->pri, place.date);
	char *end = whole + place.date + (modern ? MODERN_DATE_BYTES : LEGACY_DATE_BYTES);
	*end++ = ' ';
	end = line_put_value(end, 'h');
	*end++ = ' ';
	end = line_put_text(end, form->origin);
	place.number = (uint16_t)(end - whole);
	end += STAMP_BYTES;
	assert(end <= whole + len);
	while (end < whole + len) {
		*end++ = ' ';
		end = line_put_text(end, form->text);
	}
	memcpy(at, whole, len);
	return place;
}

/* As many as LINES_BYTES has room for; with an LF behind each, if they are to be sent side by side over TCP. */
static inline void lines_make(struct lines *lines, size_t line_bytes, bool mix, bool with_lf)
{
	lines->step = line_bytes + with_lf;
	lines->most = LINES_BYTES / lines->step;
	lines->at = malloc(lines->step * lines->most);
	if (lines->at == NULL) {
		fprintf(stderr, "%s: no memory for lines\n", program_invocation_short_name);
		exit(1);
	}
	for (size_t i = 0; i < lines->most; i++) {
		char *line = lines->at + i * lines->step;
		lines->places[i] = line_make(line, line_bytes, mix && i % MIX_PERIOD >= MIX_LEGACY);
		if (with_lf)
			line[line_bytes] = '\n';
	}
}

/* ---- stamping them ---- */

/* The next lines are sent now, and that is the number of the first. */
static inline void line_stamp_begin(struct line_stamp *stamp, uint64_t number)
{
	enum { FRACTION_AT = 20, FRACTION_DIGITS = 6 };
	struct timespec now;
	struct tm parts;
	clock_gettime(CLOCK_REALTIME, &now);
	if (now.tv_sec != stamp->second) {
		stamp->second = now.tv_sec;
		strftime(stamp->legacy, sizeof(stamp->legacy), "%b %e %T", localtime_r(&now.tv_sec, &parts));
		strftime(stamp->modern, sizeof(stamp->modern), "%Y-%m-%dT%T.000000Z", gmtime_r(&now.tv_sec, &parts));
	}
	put_digits(stamp->modern + FRACTION_AT, FRACTION_DIGITS, (uint64_t)now.tv_nsec / 1000);
	memcpy(stamp->number, "n=0000000000 t=", NUMBER_AT + NUMBER_DIGITS + 3);
	put_digits(stamp->number + NUMBER_AT, NUMBER_DIGITS, number);
	put_digits(stamp->number + STAMP_BYTES - TIME_DIGITS, TIME_DIGITS, microseconds_now());
}

/* Writes what changes into a line that line_make() has made, and goes on to the next number. */
static inline void line_stamp(struct line_stamp *stamp, const struct line_place *place, char *line)
{
	if (place->modern)
		memcpy(line + place->date, stamp->modern, MODERN_DATE_BYTES);
	else
		memcpy(line + place->date, stamp->legacy, LEGACY_DATE_BYTES);
	memcpy(line + place->number, stamp->number, STAMP_BYTES);
	char *digit = stamp->number + NUMBER_AT + NUMBER_DIGITS;
	while (*--digit == '9')
		*digit = '0';
	(*digit)++;
}
