/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writers for the parts of an RFC 5424 SYSLOG-MSG, on plain octets, and the one place that knows its character rules:
 * which octets may stand in a HEADER field, a PARAM-NAME, a PARAM-VALUE and MSG, and what stands for the others.
 *
 * All writers follow one shape: they write at most `size` octets to `out`, no terminating NUL, and return the octets
 * written. Those that read a string write whole characters only and set *taken to the octets of input that they used;
 * *taken < length means that out is full, and the caller goes on at bytes + *taken with new room, or cuts there. No
 * input octet becomes more than SLOG_GROWTH_MAX octets.
 *
 * Text (PARAM-VALUE and MSG) is made UTF-8 without control characters, reversibly:
 *   invalid octets             as in utf8.h
 *   C0 and DEL                 their control pictures, U+2400..U+241F and U+2421 ("line1␊line2")
 *   a picture in the input     U+241B before it
 *   ESC before any picture     U+241B U+2420
 * In a PARAM-VALUE '"', '\' and ']' get a backslash (RFC 5424, 6.3.3); in MSG nothing does.
 *
 * Pure functions; no state, safe in any thread and in signal handlers.
 */
#ifndef LIBLOG_RFC5424_H
#define LIBLOG_RFC5424_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SLOG_GROWTH_MAX 6 /* octets of output for one octet of input, at most: ESC before a picture */

/* Lengths in octets, RFC 5424 section 6. */
#define SLOG_PRI_MAX 5        /* "<191>" */
#define SLOG_TIMESTAMP_MAX 27 /* "2026-10-11T22:14:15.003000Z": what slog_rfc5424_timestamp() writes */
#define SLOG_RFC3339_MAX 30   /* with nine digits of second */
#define SLOG_HOSTNAME_MAX 255
#define SLOG_APP_NAME_MAX 48
#define SLOG_PROCID_MAX 128
#define SLOG_MSGID_MAX 32
#define SLOG_SD_NAME_MAX 32 /* SD-ID and PARAM-NAME */

/*
 * PRI = "<" PRIVAL ">", PRIVAL = facility * 8 + severity. facility 0..23, severity 0..7 (asserted). Writes all of it,
 * or nothing if it does not fit.
 */
size_t slog_rfc5424_pri(char *out, size_t size, unsigned facility, unsigned severity);

/*
 * TIMESTAMP in UTC with six digits of TIME-SECFRAC (truncated). A time outside the years 0000..9999 is the NILVALUE.
 * Writes all of it, or nothing if it does not fit.
 */
size_t slog_rfc5424_timestamp(char *out, size_t size, struct timespec time);

/*
 * RFC 3339 in UTC with as many digits as the time has, in steps of three: none, milli-, micro- or nanoseconds. A time
 * outside the years 0000..9999, or with tv_nsec out of range, writes nothing and returns 0.
 */
size_t slog_rfc3339(char *out, size_t size, struct timespec time);

/* True if bytes are 1 to max octets of PRINTUSASCII (33..126) and not the NILVALUE "-". */
bool slog_rfc5424_is_field(const char *bytes, size_t length, size_t max);

/*
 * A HEADER field (HOSTNAME, APP-NAME, PROCID, MSGID): the bytes with '_' for each octet that is not PRINTUSASCII, cut
 * to max octets. No octets give the NILVALUE; "-" itself gives "_", so that it is not taken for the NILVALUE. Writes
 * all of it, or nothing if it does not fit.
 */
size_t slog_rfc5424_field(char *out, size_t size, const char *bytes, size_t length, size_t max);

/*
 * A key as PARAM-NAME: printable ASCII except '"', '%', '/', '=', '[', '\', ']', space, a leading '~' and a trailing
 * '.' stands as it is, any other octet is %XX (upper-case digits). The empty key is "%-". With dots_too every '.' is
 * %2E. The result may be longer than SLOG_SD_NAME_MAX: what then is the encoder's business.
 */
size_t slog_rfc5424_name(char *out, size_t size, const char *bytes, size_t length, bool dots_too, size_t *taken);

/* Octets that slog_rfc5424_name() writes for this key when there is room. */
size_t slog_rfc5424_name_length(const char *bytes, size_t length, bool dots_too);

/* A PARAM-VALUE without its quotes. */
size_t slog_rfc5424_value(char *out, size_t size, const char *bytes, size_t length, size_t *taken);

/* MSG. No BOM is written. */
size_t slog_rfc5424_msg(char *out, size_t size, const char *bytes, size_t length, size_t *taken);

/* True if slog_rfc5424_msg() would write these bytes exactly as they are. */
bool slog_rfc5424_msg_is_plain(const char *bytes, size_t length);

#ifdef __cplusplus
}
#endif

#endif
