/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sinks: where encoded events go. Those we ship, and how to write one.
 *
 * A sink is a struct that begins with a struct slog_sink and has a driver. liblog encodes an event with the sink's
 * encoder and gives it to the driver's write() as one piece. write() is called from any thread, several at a time, with
 * no lock held; it must not wait longer than some milliseconds and must not log. What it does not take is counted
 * (slog_stats()).
 */
#ifndef LIBLOG_SINK_H
#define LIBLOG_SINK_H

#include <liblog/encoder.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SLOG_EVENT_BYTES_MIN 2048       /* the least max_size of a sink */
#define SLOG_EVENT_BYTES_DEFAULT 65536  /* max_size of the sinks below, but of */
#define SLOG_EVENT_BYTES_UDP 2048
#define SLOG_EVENT_BYTES_SYSLOG 8192
#define SLOG_EVENT_BYTES_JOURNALD 67108864 /* journald itself takes more */

struct slog_sink;
struct slog_carrier;

struct slog_sink_driver {
	const char *name; /* "file" */
	bool line_feed;   /* write() gets the line with an LF after it */
	/* Takes one whole event. 0, or the errno value that says why it was dropped. */
	int (*write)(struct slog_sink *sink, const char *line, size_t length, enum slog_severity severity);
	/* Optional: carries out what write() only took. What cannot be flushed (a terminal, a pipe) is success. */
	int (*flush)(struct slog_sink *sink);
	/* Releases all that the sink owns and the sink itself. */
	void (*close)(struct slog_sink *sink);
	const struct slog_carrier *carrier; /* NULL: only liblog's own sinks have one */
};

struct slog_sink {
	const struct slog_sink_driver *driver;
	const struct slog_encoder *encoder;
	size_t max_size; /* octets of one encoded event, LF not counted; at least SLOG_EVENT_BYTES_MIN */
};

/*
 * Lines to a descriptor, which stays the caller's and must stay open as long as the sink. encoder NULL: for people if
 * it is a terminal (with colours unless NO_COLOR is set), else JSON. One write(2) for a line; a descriptor that takes
 * nothing is waited for 10 ms at most, and not at all once that took 50 ms in any second, of all threads together; when it
 * has taken nothing for 50 ms more it gets one try a second. That is so whatever the descriptor leads to at the moment,
 * but for files; its mode, which others may share, is not changed. (A terminal, and before Linux 6.5 a pipe, is opened
 * for each line through /proc/self/fd. Where that may not be, poll(2) has to do: a terminal whose reader stalls may then
 * make a call wait, and so may a pipe that is shared.) Lines of several threads do not mix; one that is not taken to its
 * end loses the end, and the next one begins on a line of its own.
 * A pipe or socket whose reader is gone drops the event with EPIPE and raises no SIGPIPE. NULL without memory.
 */
struct slog_sink *slog_sink_fd(int fd, const struct slog_encoder *encoder);

/*
 * Lines appended to a file (O_APPEND, made with mode 0640), several processes may share it. encoder NULL: JSON. After
 * slog_reopen() the path is opened again; if that fails the old file goes on and the failure is in slog_stats(). The
 * path is copied. NULL with errno set if it cannot be opened.
 */
struct slog_sink *slog_sink_file(const char *path, const struct slog_encoder *encoder);

/*
 * Keeps the last events in memory, at most size octets of lines: for tests. The oldest lines go when there is no room.
 * encoder NULL: JSON. NULL without memory.
 */
struct slog_sink *slog_sink_memory(size_t size, const struct slog_encoder *encoder);

/*
 * Copies the lines of a memory sink to out, oldest first, each with its LF, at most size - 1 octets and a NUL; returns
 * the octets that there are. slog_memory_clear() forgets them. Any thread.
 */
size_t slog_memory_text(struct slog_sink *sink, char *out, size_t size);
void slog_memory_clear(struct slog_sink *sink);

/*
 * The four below never block and need no daemon to begin with: one that is away is looked for at each event, without
 * waiting, and one that takes nothing is waited for as slog_sink_fd() says. In a child of fork() a stream gets a
 * connection of its own. An event of which a stream took a part gets its end before the next event and when the sink is
 * closed; behind a ring as soon as there is room. After chroot(2) they go on as long as the daemon stays. Errors: NULL
 * with errno ENOMEM, or EINVAL for a path or address that is none.
 *
 * slog_sink_syslog(): the system's syslog socket, datagrams or, if it is one, a stream. path NULL: /dev/log; '@' at its
 * start means an abstract name. encoder NULL: slog_encoder_cee.
 */
struct slog_sink *slog_sink_syslog(const char *path, const struct slog_encoder *encoder);

/* journald's native socket. path NULL: /run/systemd/journal/socket. */
struct slog_sink *slog_sink_journald(const char *path);

/*
 * UDP (RFC 5426) and TCP with octet counting (RFC 6587) to "192.0.2.1:514", "[2001:db8::1]:514" or "host:514"; without
 * port it is 514. A host's name is looked up only behind a ring (slog_sink_async()), since that takes time; otherwise
 * its events are dropped with EDESTADDRREQ. Neither protocol knows what has arrived. encoder NULL:
 * slog_encoder_rfc5424.
 */
struct slog_sink *slog_sink_udp(const char *address, const struct slog_encoder *encoder);
struct slog_sink *slog_sink_tcp(const char *address, const struct slog_encoder *encoder);

/*
 * Puts a sink behind the asynchronous ring: a logging call copies its event and returns, and a thread of liblog's own
 * carries events to the sink, many in one system call where the sink can do that. While there is nothing to carry that
 * thread sleeps. It blocks all signals.
 *
 * Each thread of the program has a lane (threads share lanes if there are more of them); the events of one thread keep
 * their order. A sink that takes nothing lets the lanes fill, and what they hold is never removed; instead they refuse
 * new events, by severity: debug and trace when half full, info and notice at 75 %, warning at 90 %, err and worse when
 * full. What was refused is counted (slog_stats()) and told in the log itself, before the next event that gets in, by
 * an event slog_loss {sink, since, until, dropped}.
 *
 * A child of fork() starts with empty lanes (the events in them are the parent's) and gets a thread of its own with its
 * first event. So flush before fork() if the parent then ends by _exit(), as it does in daemon(3). When the sink is
 * closed, at exit(), and when the library is unloaded, what is queued is carried out for a second at most; what is left
 * then, an event of which a stream took a part included, is counted, and told in one line on standard error. A shared
 * object that is linked with the static library and may be unloaded should be linked with -z nodelete: a thread that
 * hangs in a system call cannot be ended.
 *
 * Adopts the sink, also when it fails: NULL with errno ENOMEM, or EINVAL for a wrong size of the options. A NULL sink
 * gives NULL. options NULL: all defaults.
 */
struct slog_async_options {
	size_t size;      /* sizeof(struct slog_async_options); all else may be zero */
	size_t lane_size; /* octets of a lane, made a power of two from 16 KiB to 1 GiB. 0: 256 KiB. An event may have a
	                     quarter of it */
	unsigned lanes;   /* at most 64, made when they are needed. 0: 16 */
	unsigned wait_ms; /* how long an event of severity err or worse waits for room, 50 at most. 0: not at all */
};
struct slog_sink *slog_sink_async(struct slog_sink *sink, const struct slog_async_options *options);

/*
 * The relayd of this host over RELP on its Unix socket, behind a ring of its own. Events are delivered when the relay
 * has answered, and keep their room in the lanes until then: what is queued and what is unacknowledged share the limit.
 * After a relay that went away comes back what it had not acknowledged is sent again: at least once. An event that the
 * relay refuses (any answer but 200) is tried three times, a second apart, with nothing behind it; then it is dropped
 * with EBADMSG, counted and told as slog_sink_async() says, and what is behind it goes on. path NULL:
 * /run/relayd/relp; '@' at its start means an abstract name. encoder NULL: slog_encoder_rfc5424. NULL with errno ENOMEM
 * or EINVAL.
 */
struct slog_sink *slog_sink_relp(const char *path, const struct slog_encoder *encoder,
                                 const struct slog_async_options *options);

/*
 * A sink by name, as in the environment variable SLOG_SINK:
 *
 *	stderr			standard error: for people if it is a terminal, else JSON
 *	console, json		the same, always in that form
 *	journald, syslog	each with ":" and a path if it is not the usual one
 *	relp			as above
 *	udp:ADDRESS, tcp:ADDRESS
 *	file:PATH, fd:NUMBER
 *
 * with "async:" before it if it is to be behind a ring. NULL if there is no such sink; error then holds a sentence, cut
 * to SLOG_SINK_ERROR_MAX octets with its NUL, and "" otherwise.
 */
#define SLOG_SINK_ERROR_MAX 256
struct slog_sink *slog_sink_from_text(const char *text, char error[SLOG_SINK_ERROR_MAX]);

/* Carries out what the sink only took, within a second. 0, or an errno value. Any thread; not in signal handlers. */
int slog_sink_flush(struct slog_sink *sink);

/* Flushes and closes a sink that no logger uses any more, and sets *sink to NULL. NULL in *sink: does nothing. */
void slog_sink_close(struct slog_sink **sink);

#ifdef __cplusplus
}
#endif

#endif
