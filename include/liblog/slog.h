/* SPDX-License-Identifier: Apache-2.0 */
/*
 * liblog: log fields instead of sentences.
 *
 *	slog_info("auth", "user", user, "valid", slog_bool(valid), "remote_ip", ip, "remote_port", port);
 *
 * First what happened: a short literal that stays the same for ever (MSGID in RFC 5424). Then key, value, key, value.
 * Keys are string literals. The C types of the values choose the types of the fields. What cannot be logged does not
 * compile: a key without a value, more than SLOG_PAIRS_MAX pairs, a key that is no literal, a value of another type.
 * The key "message" holds the text for people; every other key is an ordinary field.
 *
 * Values: integers and floating point (not `char` and `long double`), `bool` objects, strings (`char`, `signed char` or
 * `unsigned char` pointers; a NULL pointer is null), `void *` (written as the string "0x..."), and what the helpers
 * below make. In C11 `true`, `a == b` and `!a` are ints and come out as numbers: write slog_bool(a == b). A bit-field
 * needs a unary plus or slog_bool(). From C++17 also bool expressions, nullptr, std::string and std::string_view.
 *
 * A call whose level is off evaluates no argument and costs one load and one branch. Every call leaves errno as it
 * found it, keeps no pointer to anything it was given, uses at most 4 KiB of stack, and may be made from any thread. It
 * allocates nothing for common events: a thread has some 22 KiB of its own in liblog. It gets memory when it logs an
 * event that does not fit 2 KiB when encoded, of which it keeps at most 320 KiB until it ends, and when it first needs a
 * lane in a ring; a stream keeps the end of an event that was taken in part. A call from a signal handler is dropped and
 * counted if it interrupts another call, and is not allowed otherwise; slog_crash() is.
 *
 * A program works before any configuration: events at info and above go to standard error, for people if that is a
 * terminal, else as JSON lines. slog_open() says otherwise.
 */
#ifndef LIBLOG_SLOG_H
#define LIBLOG_SLOG_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SLOG_PAIRS_MAX 32            /* pairs of key and value in one call of a macro */
#define SLOG_MEMBERS_MAX 16          /* members of one slog_list() or slog_group() */
#define SLOG_EVENT_NAME_MAX 32       /* octets of an event's name in a macro; checked when compiling */
#define SLOG_EVENT_NAME_LONG_MAX 128 /* octets of a name given to slog_event(); what is longer is cut and counted */
#define SLOG_COMPARED_MAX 4096       /* fields of an event, or members of a group; of more all are written, equal keys too */
#define SLOG_DEPTH_MAX 32            /* levels of lists and groups in one value; deeper ones become a string */
#define SLOG_MSGF_MAX 1024           /* octets of a slog_msgf() and its NUL; what is longer ends in "..." */

struct sockaddr;
struct slog_sink;

/* ---- levels ---------------------------------------------------------------------------------------------------- */

/* The severities of RFC 5424, and trace, which is written as debug. A logger's level is the last one it lets pass. */
enum slog_severity {
	SLOG_EMERG,
	SLOG_ALERT,
	SLOG_CRIT,
	SLOG_ERR,
	SLOG_WARNING,
	SLOG_NOTICE,
	SLOG_INFO,
	SLOG_DEBUG,
	SLOG_TRACE
};
#define SLOG_SEVERITIES 9
#define SLOG_OFF (-1) /* a level that lets nothing pass */

/* Facilities of RFC 5424 by the keywords of RFC 5427 with SLOG_ before them. */
enum slog_facility {
	SLOG_KERN,
	SLOG_USER,
	SLOG_MAIL,
	SLOG_DAEMON,
	SLOG_AUTH,
	SLOG_SYSLOG,
	SLOG_LPR,
	SLOG_NEWS,
	SLOG_UUCP,
	SLOG_CRON,
	SLOG_AUTHPRIV,
	SLOG_FTP,
	SLOG_NTP,
	SLOG_AUDIT,
	SLOG_CONSOLE,
	SLOG_CRON2,
	SLOG_LOCAL0,
	SLOG_LOCAL1,
	SLOG_LOCAL2,
	SLOG_LOCAL3,
	SLOG_LOCAL4,
	SLOG_LOCAL5,
	SLOG_LOCAL6,
	SLOG_LOCAL7
};
#define SLOG_FACILITIES 24

/* "emerg" ... "debug", "trace"; "kern" ... "local7". NULL for any other number. */
const char *slog_severity_name(int severity);
const char *slog_facility_name(int facility);

/*
 * Reads one level name: those above, "off", and the names also in use ("panic", "error", "warn"). True and *level set
 * (SLOG_OFF to SLOG_TRACE) if text is one; the comparison ignores ASCII case.
 */
bool slog_level_read(const char *text, size_t length, int *level);

/* ---- values ---------------------------------------------------------------------------------------------------- */

/* Numbers of this list are never changed or used again; new ones are added at the end. */
enum slog_type {
	SLOG_TYPE_NULL,
	SLOG_TYPE_BOOL,    /* as.u64: 0 or 1 */
	SLOG_TYPE_INT,     /* as.i64 */
	SLOG_TYPE_UINT,    /* as.u64 */
	SLOG_TYPE_DOUBLE,  /* as.number */
	SLOG_TYPE_FLOAT,   /* as.number; written with the digits that a float has */
	SLOG_TYPE_STRING,  /* as.text, length */
	SLOG_TYPE_POINTER, /* as.pointer, not NULL */
	SLOG_TYPE_LIST,    /* as.list, length is the number of items */
	SLOG_TYPE_GROUP,   /* as.group, length is the number of members */
	SLOG_TYPE_BYTES,   /* as.pointer, length */
	SLOG_TYPE_TIME,    /* as.i64 seconds, detail nanoseconds */
	SLOG_TYPE_ADDRESS, /* as.address */
	SLOG_TYPE_ERRNO,   /* detail is the number */
	SLOG_TYPE_ERROR,   /* detail is the number */
	SLOG_TYPE_JSON,    /* as.text, length */
	SLOG_TYPE_SECRET   /* nothing */
};

/* One value. It points at what it was made from, and lives no longer. The layout is part of the ABI and frozen. */
struct slog_value {
	uint8_t type; /* enum slog_type */
	uint8_t zero[3];
	uint32_t detail;
	size_t length;
	union {
		int64_t i64;
		uint64_t u64;
		double number;
		const char *text;
		const void *pointer;
		const struct slog_value *list;
		const struct slog_field *group;
		const struct sockaddr *address;
	} as;
};

/* One key and its value: a member of a group, or an element of the array for slog_event(). Frozen too. */
struct slog_field {
	const char *key;
	size_t key_length;
	struct slog_value value;
};

/*
 * Helpers; each gives a struct slog_value. In C, what they refer to must live until the end of the call (compound
 * literals live to the end of the block); in C++ use them only as arguments of the call.
 *
 *	slog_any(v)		v as the call itself would take it
 *	slog_bool(x)		true or false: for comparisons, `true`, bool bit-fields
 *	slog_str(p, n)		a string of n octets at p; null if p is NULL
 *	slog_bytes(p, n)	binary: the string "data:;base64,..."; null if p is NULL
 *	slog_list(v, ...)	1 to SLOG_MEMBERS_MAX values
 *	slog_group(key, v, ...)	an object of 1 to SLOG_MEMBERS_MAX pairs; keys are literals
 *	slog_time(ts)		a struct timespec since the epoch as RFC 3339 in UTC
 *	slog_addr(sa)		a pointer to any sockaddr, as large as its family's: "192.0.2.1:22", "[::1]:22",
 *				"unix:/path"; null if NULL
 *	slog_errno()		the name of errno: "ENOENT"; the digits of a number without a name
 *	slog_error(err)		{code, name, text} of an errno value
 *	slog_json(text)		a JSON list, object, number or literal as text; any other text is a string; null if NULL
 *	slog_secret(v)		"***"; v is not even looked at
 *	slog_msgf(fmt, ...)	a string formatted as printf does: "message", slog_msgf("%d left", n)
 */

/* ---- loggers --------------------------------------------------------------------------------------------------- */

/*
 * A logger is a module of a program: it has a level, a facility, a sink, and fields that go with each of its events.
 * The first member is read by the macros; the struct is frozen and its members are liblog's.
 */
struct slog_logger {
	int level; /* read it with slog_enabled() */
	unsigned zero;
	struct slog_logger_state *state;
};

/* The logger without a name, which others take their level, facility and sink from. */
extern struct slog_logger slog_default_logger;

/* What the calls without _to use. A file may define it before it includes this header. */
#ifndef SLOG_LOGGER
#define SLOG_LOGGER (&slog_default_logger)
#endif

/*
 * slog_logger(name): the logger of this name, the same one for each call with that name, made when it is first asked
 * for and never freed. Takes a lock: look it up once and keep it. Never NULL: without memory it is the default logger.
 * The name is copied, cut to SLOG_LOGGER_NAME_MAX octets.
 */
#define slog_logger(name) slog_logger_named(name)
struct slog_logger *slog_logger_named(const char *name);
#define SLOG_LOGGER_NAME_MAX 63

/*
 * Sets the level of a named logger (SLOG_OFF to SLOG_TRACE, asserted) and of those bound from it; for the default
 * logger also of all named loggers that have no level of their own. A bound logger stands for its named one. Any
 * thread, and signal handlers.
 */
void slog_set_level(struct slog_logger *logger, int level);

/*
 * Sets levels by a text such as "info,auth=debug,net=off": a level without a name is the default logger's. This is
 * what the environment variable SLOG holds. Names not known yet are remembered. False, and nothing is changed, if the
 * text has an unknown level, a name with a semicolon, which was meant to be a comma, or more than SLOG_LEVELS_MAX
 * octets.
 */
bool slog_set_levels(const char *levels);
#define SLOG_LEVELS_MAX 1023

/* The facility of a named logger and of those bound from it (0..23, asserted). */
void slog_set_facility(struct slog_logger *logger, enum slog_facility facility);

/*
 * Gives a named logger, or the default one, a sink of its own and returns the sink it had (NULL: it used the default
 * logger's). The caller keeps both: close the old one when no thread can be inside a call that uses it. NULL gives the
 * logger the default logger's sink again.
 */
struct slog_sink *slog_set_sink(struct slog_logger *logger, struct slog_sink *sink);

/* True if an event of this severity would be written. A macro; evaluates each argument once. */
#define slog_enabled(logger, severity) ((int)(severity) <= __atomic_load_n(&(logger)->level, __ATOMIC_RELAXED))

/*
 * slog_with(parent, key, value, ...): a logger with these fields bound to it, before those of each event. A field of an
 * event with the same key takes the bound one's place. The values are copied. The result follows the level and the sink
 * of the named logger it comes from, and is freed with slog_free(). Without memory it is that named logger itself.
 */

/* As slog_with(), from an array; keys need not be literals. */
struct slog_logger *slog_with_fields(struct slog_logger *parent, const struct slog_field *fields, size_t n);

/* Frees a logger made by slog_with(), which no thread may use any more. NULL and named loggers: does nothing. */
void slog_free(struct slog_logger *logger);

/* ---- setting up ------------------------------------------------------------------------------------------------ */

/* Set size to sizeof(struct slog_options) and all else to zero, then what is wanted. */
struct slog_options {
	size_t size;
	const char *app_name;   /* NULL: the program's name; copied, cut to 48 octets */
	const char *hostname;   /* NULL: gethostname(); copied, cut to 255 octets */
	int facility;           /* 0: user */
	const char *levels;     /* NULL: "info". The environment variable SLOG is read after it and wins */
	struct slog_sink *sink; /* NULL: see slog_open(). Adopted: slog_close() closes it */
};

/*
 * Sets up the default logger. NULL means all defaults. To be called before other threads log. Returns 0, or an errno
 * value: EINVAL for a wrong size, facility or levels; nothing is changed then and the sink is still the caller's. A
 * second call closes the sink of the first.
 *
 * A program that brings no sink gets the one that the environment variable SLOG_SINK names (see slog_sink_from_text()),
 * else the first of these that is there: for people if standard error is a terminal; journald; /dev/log; JSON lines on
 * standard error. What is wrong in SLOG_SINK or SLOG is the first event that is logged. A program with more rights than
 * its user (secure_getenv(3)) reads neither.
 */
int slog_open(const struct slog_options *options);

/*
 * Carries out what the default logger's sink only took, within a second: before fork() in a program that becomes a
 * daemon, before exec(2), before _exit(2). 0, or an errno value. Any thread; not in signal handlers.
 */
int slog_flush(void);

/* Flushes and closes what slog_open() opened. No other thread may be inside a call. Later calls log as before it. */
void slog_close(void);

/*
 * Asks every file sink to open its file again, as after a rotation; each does so at its next event. May be called from
 * any thread and from a signal handler.
 */
void slog_reopen(void);

/* What went wrong since the start of the process. All counters only grow. */
struct slog_counters {
	size_t size;                       /* in: sizeof(struct slog_counters) */
	uint64_t dropped[SLOG_SEVERITIES]; /* events that no sink took, by severity */
	uint64_t cut;                      /* events that lost fields or text: larger than their sink allows */
	uint64_t unbound;                  /* slog_with() calls that had no memory */
	int last_error;                    /* errno of the last failed write, 0 if there was none */
	uint64_t held_back;                /* events that slog_limited() did not write */
};

/* Fills what of *counters its size covers; the size is the caller's and stays. */
void slog_stats(struct slog_counters *counters);

/* ---- calls ----------------------------------------------------------------------------------------------------- */

/*
 * Logs an event with fields from an array, for keys known only at run time. `event` and the keys need not be literals.
 * Does nothing if the logger's level is below severity. Thread rules and errno as for the macros.
 */
void slog_event(struct slog_logger *logger, enum slog_severity severity, const char *event,
                const struct slog_field *fields, size_t n);

/* One field of such an array: slog_kv(key, v), where key is any string and v any value. */

/*
 * slog_info(event, key, value, ...) and its like; slog_info_to(logger, event, key, value, ...). Statements. Define
 * SLOG_SOURCE_LOCATION before including this header to add code_file, code_line and code_func (three of the pairs).
 */
#define slog_emerg(...) SLOG_CALL_(SLOG_LOGGER, SLOG_EMERG, __VA_ARGS__)
#define slog_alert(...) SLOG_CALL_(SLOG_LOGGER, SLOG_ALERT, __VA_ARGS__)
#define slog_crit(...) SLOG_CALL_(SLOG_LOGGER, SLOG_CRIT, __VA_ARGS__)
#define slog_err(...) SLOG_CALL_(SLOG_LOGGER, SLOG_ERR, __VA_ARGS__)
#define slog_warning(...) SLOG_CALL_(SLOG_LOGGER, SLOG_WARNING, __VA_ARGS__)
#define slog_notice(...) SLOG_CALL_(SLOG_LOGGER, SLOG_NOTICE, __VA_ARGS__)
#define slog_info(...) SLOG_CALL_(SLOG_LOGGER, SLOG_INFO, __VA_ARGS__)
#define slog_debug(...) SLOG_CALL_(SLOG_LOGGER, SLOG_DEBUG, __VA_ARGS__)
#define slog_trace(...) SLOG_CALL_(SLOG_LOGGER, SLOG_TRACE, __VA_ARGS__)
#define slog_emerg_to(logger, ...) SLOG_CALL_(logger, SLOG_EMERG, __VA_ARGS__)
#define slog_alert_to(logger, ...) SLOG_CALL_(logger, SLOG_ALERT, __VA_ARGS__)
#define slog_crit_to(logger, ...) SLOG_CALL_(logger, SLOG_CRIT, __VA_ARGS__)
#define slog_err_to(logger, ...) SLOG_CALL_(logger, SLOG_ERR, __VA_ARGS__)
#define slog_warning_to(logger, ...) SLOG_CALL_(logger, SLOG_WARNING, __VA_ARGS__)
#define slog_notice_to(logger, ...) SLOG_CALL_(logger, SLOG_NOTICE, __VA_ARGS__)
#define slog_info_to(logger, ...) SLOG_CALL_(logger, SLOG_INFO, __VA_ARGS__)
#define slog_debug_to(logger, ...) SLOG_CALL_(logger, SLOG_DEBUG, __VA_ARGS__)
#define slog_trace_to(logger, ...) SLOG_CALL_(logger, SLOG_TRACE, __VA_ARGS__)

/*
 * slog_limited(per_second, severity, event, key, value, ...) and slog_limited_to(logger, per_second, severity, ...): as
 * the calls above, but at most per_second events a second from this place in the program; severity is one of the names
 * above (SLOG_INFO). What is held back is counted, and told by an event slog_limited {event, held_back, since} of the
 * same severity before the next one that gets through; slog_stats() counts it too. Not in inline functions of C: the
 * place has a state.
 */
#define slog_limited(per_second, ...) SLOG_LIMITED_(SLOG_LOGGER, per_second, __VA_ARGS__)
#define slog_limited_to(logger, per_second, ...) SLOG_LIMITED_(logger, per_second, __VA_ARGS__)

/* ---- after the fact ---------------------------------------------------------------------------------------------- */

/*
 * slog_crash(event, key, value, ...): the last words of a program, from the handler of a fatal signal. The one call that
 * is allowed there: it takes no lock, allocates nothing, uses none of the memory of other calls and at most 4 KiB of
 * stack, waits for nobody, and passes every sink and ring by. One JSON line of severity crit, at most SLOG_CRASH_BYTES
 * octets, goes to the descriptor that slog_set_crash_fd() gave, else to standard error; what does not fit loses fields
 * from the end. A descriptor that cannot take it now loses it, counted.
 */
#define slog_crash(...) SLOG_CRASH_CALL_(__VA_ARGS__)
#define SLOG_CRASH_BYTES 2048

/*
 * The descriptor for slog_crash(): a file, a pipe, or a connected socket (which gets one datagram or record); -1:
 * standard error. It stays the caller's, and must stay open. Any thread.
 */
void slog_set_crash_fd(int fd);

/*
 * Holds back events that the loggers' levels do not let pass, up to this level, encoded, in `size` octets of memory, the
 * oldest making room for the newest; an event of err or worse is written with all of them before it, in order. 0 ends
 * it. Each event held costs what writing it costs but for the sink, and its arguments are evaluated. A child of fork()
 * begins with none. What is held is forgotten when a sink is set. 0, EINVAL (a level that is none, a size below
 * SLOG_BACKTRACE_BYTES_MIN), or ENOMEM. No other thread may log.
 */
int slog_set_backtrace(size_t size, int level);
#define SLOG_BACKTRACE_BYTES_MIN 4096

#ifdef __cplusplus
}
#endif

#include <liblog/slog_value.h>

#include <liblog/slog_call.h>

#endif
