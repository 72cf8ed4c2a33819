/* SPDX-License-Identifier: Apache-2.0 */
/* A SYSLOG-MSG (RFC 5424, 6) back to an event. */
#include <string.h>

#include <liblog/rfc5424.h>

#include "read_sd.h"
#include "reading.h"
#include "undo.h"

#define FACILITY_AND_SEVERITY_MAX 191

static const char bom[] = "\xEF\xBB\xBF";

/* ---- STRUCTURED-DATA and MSG ------------------------------------------------------------------------------------ */

static void read_message(struct slog_reading *reading, struct slog_packer *packer, struct slog_read_text msg)
{
	if (msg.length >= sizeof bom - 1 && memcmp(msg.text, bom, sizeof bom - 1) == 0) {
		msg.text += sizeof bom - 1;
		msg.length -= sizeof bom - 1;
	}
	if (msg.length == 0)
		return;
	reading->message = msg;
	struct slog_packed_octets octets = {NULL, NULL};
	if (reading->is_typed)
		octets = slog_pack_begin_octets(packer, SLOG_READ_STRING, msg.length);
	if (octets.octets == NULL)
		return;
	reading->message.text = octets.octets;
	reading->message.length = slog_undo_msg(octets.octets, msg.text, msg.length);
	slog_pack_end_octets(packer, octets, reading->message.length);
}

/* All that depends on which element is ours; with own.length 0 none is. */
static void read_contents(struct slog_reading *reading, struct slog_packer *packer, struct slog_read_text sd,
                          struct slog_read_text own, struct slog_read_text msg)
{
	if (own.length > 0)
		reading->is_typed = slog_sd_pack_own(reading, packer, sd, own);
	if (reading->is_typed)
		reading->sd_id = own;
	else
		own.length = 0;
	slog_sd_pack_foreign(reading, packer, sd, own);
	read_message(reading, packer, msg);
}

/*
 * Keys that syslog-ng has split are longer than what was read; where so many of them share so much that the room is
 * short, all elements are read as somebody else's strings, which always fit.
 */
static enum slog_read_result read_parts(struct slog_reading *reading, struct slog_read_text sd, struct slog_read_text msg,
                                        char *room, size_t size)
{
	struct slog_reading before = *reading;
	struct slog_packer packer = slog_packer_in(room, size);
	struct slog_read_text own;
	struct slog_read_text none = {NULL, 0};
	if (!slog_sd_find_own(sd, &own))
		return slog_reading_invalid(reading, "STRUCTURED-DATA is not SD-ELEMENTs, or more than 128 of them");
	read_contents(reading, &packer, sd, own, msg);
	if (packer.overflowed && own.length > 0 && size >= SLOG_READ_ROOM(sd.length + msg.length)) {
		*reading = before;
		packer = slog_packer_in(room, size);
		read_contents(reading, &packer, sd, none, msg);
	}
	return slog_reading_end(&packer);
}

enum slog_read_result slog_read_structured_data(struct slog_reading *reading, struct slog_read_text sd,
                                                struct slog_read_text msgid, struct slog_read_text msg, char *room,
                                                size_t size)
{
	slog_reading_start(reading);
	if (msgid.length > 0)
		reading->name = msgid;
	return read_parts(reading, sd, msg, room, size);
}

/* ---- HEADER ----------------------------------------------------------------------------------------------------- */

/* PRI = "<" PRIVAL ">", then VERSION, of which there is only "1". */
static bool take_pri_and_version(struct slog_read_text *rest, struct slog_reading *reading)
{
	unsigned number = 0;
	size_t at = 1;
	if (rest->length == 0 || rest->text[0] != '<')
		return false;
	for (; at < rest->length && at < 4 && rest->text[at] >= '0' && rest->text[at] <= '9'; at++)
		number = number * 10 + (unsigned)(rest->text[at] - '0');
	if (at == 1 || (rest->text[1] == '0' && at > 2) || number > FACILITY_AND_SEVERITY_MAX || rest->length - at < 3 ||
	    memcmp(rest->text + at, ">1 ", 3) != 0)
		return false;
	reading->facility = (int)(number / 8);
	reading->severity = (int)(number % 8);
	rest->text += at + 3;
	rest->length -= at + 3;
	return true;
}

/* 1*maxPRINTUSASCII and the SP behind it; the NILVALUE is no text. */
static bool take_field(struct slog_read_text *rest, size_t max, struct slog_read_text *field)
{
	size_t length = 0;
	while (length < rest->length && length <= max && rest->text[length] > ' ' && rest->text[length] < 0x7F)
		length++;
	if (length == 0 || length > max || length == rest->length || rest->text[length] != ' ')
		return false;
	bool is_nil = length == 1 && rest->text[0] == '-';
	field->text = is_nil ? NULL : rest->text;
	field->length = is_nil ? 0 : length;
	rest->text += length + 1;
	rest->length -= length + 1;
	return true;
}

static bool take_timestamp(struct slog_read_text *rest, struct slog_reading *reading)
{
	enum { TIMESTAMP_MAX = 32 }; /* "2026-10-11T22:14:15.003000+02:00" */
	bool has_zone;
	if (!take_field(rest, TIMESTAMP_MAX, &reading->timestamp))
		return false;
	reading->has_time = reading->timestamp.length > 0;
	return !reading->has_time ||
	       slog_timestamp_read(reading->timestamp.text, reading->timestamp.length, false, &reading->time, &has_zone);
}

/* STRUCTURED-DATA = NILVALUE / 1*SD-ELEMENT, then [SP MSG] */
static bool split_sd(struct slog_read_text rest, struct slog_read_text *sd, struct slog_read_text *msg)
{
	struct slog_sd_element_text element;
	*sd = rest;
	if (rest.length > 0 && rest.text[0] == '-') {
		rest.text++;
		rest.length--;
		sd->length = 0;
	} else {
		while (slog_sd_take_element(&rest, &element))
			continue;
		sd->length -= rest.length;
		if (sd->length == 0)
			return false;
	}
	msg->text = rest.length > 0 ? rest.text + 1 : NULL;
	msg->length = rest.length > 0 ? rest.length - 1 : 0;
	return rest.length == 0 || rest.text[0] == ' ';
}

enum slog_read_result slog_read_rfc5424(struct slog_reading *reading, const char *text, size_t length, char *room,
                                        size_t size)
{
	struct slog_read_text rest = {text, length};
	struct slog_read_text sd;
	struct slog_read_text msg;
	slog_reading_start(reading);
	if (!take_pri_and_version(&rest, reading))
		return slog_reading_invalid(reading, "it does not begin with PRI and VERSION 1");
	if (!take_timestamp(&rest, reading))
		return slog_reading_invalid(reading, "TIMESTAMP breaks its grammar");
	if (!take_field(&rest, SLOG_HOSTNAME_MAX, &reading->hostname) ||
	    !take_field(&rest, SLOG_APP_NAME_MAX, &reading->app_name) ||
	    !take_field(&rest, SLOG_PROCID_MAX, &reading->procid) || !take_field(&rest, SLOG_MSGID_MAX, &reading->name))
		return slog_reading_invalid(reading, "a field of the HEADER is missing or breaks its grammar");
	if (!split_sd(rest, &sd, &msg))
		return slog_reading_invalid(reading, "STRUCTURED-DATA breaks its grammar");
	return read_parts(reading, sd, msg, room, size);
}
