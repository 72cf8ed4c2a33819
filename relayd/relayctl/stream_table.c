/* SPDX-License-Identifier: Apache-2.0 */
#include "relayctl/stream_table.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "relayctl/answer.h"
#include "spool/spool_stream.h"

static const char *last_of(const struct json_value *stream, char text[32])
{
	time_t seconds = (time_t)answer_count(stream, "last");
	struct tm parts;
	if (seconds == 0 || strftime(text, 32, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&seconds, &parts)) == 0)
		return "-";
	return text;
}

static void print_received(const struct json_value *received, FILE *out)
{
	unsigned count = 0;
	fprintf(out, "%-32s %-28s %14s %14s %-20s  %s\n", "RECEIVED STREAM", "FROM", "SEQUENCE", "MESSAGES", "LAST",
	        "CONNECTION");
	for (const struct json_value *stream = received != NULL ? received->first : NULL; stream != NULL;
	     stream = stream->next) {
		char text[32];
		const char *identity = answer_text(stream, "identity"), *connection = answer_text(stream, "connection");
		fprintf(out, "%-32s %-28s %14" PRIu64 " %14" PRIu64 " %-20s  %s\n", answer_text(stream, "stream"),
		        identity[0] != '\0' ? identity : "(not known)", answer_count(stream, "sequence"),
		        answer_count(stream, "records"), last_of(stream, text), connection[0] != '\0' ? connection : "-");
		if (answer_count(stream, "lost") > 0)
			fprintf(out, "    %" PRIu64 " lost-by-peer: acknowledged here, and lost when this spool was restored\n",
			        answer_count(stream, "lost"));
		if (answer_count(stream, "duplicates") > 0)
			fprintf(out, "    %" PRIu64 " came again, and were known\n", answer_count(stream, "duplicates"));
		count++;
	}
	fprintf(out, "%u of at most %d streams, %d from one identity\n", count, SPOOL_STREAMS_MAX, SPOOL_STREAMS_PER_PEER_MAX);
}

static void print_sent(const struct json_value *sent, FILE *out)
{
	fprintf(out, "\n%-32s %-28s %14s  %s\n", "SENT STREAM", "OUTPUT", "DELIVERED", "TO");
	for (const struct json_value *stream = sent != NULL ? sent->first : NULL; stream != NULL; stream = stream->next) {
		const char *peer = answer_text(stream, "peer");
		fprintf(out, "%-32s %-28s %14" PRIu64 "  %s\n", answer_text(stream, "stream"), answer_text(stream, "output"),
		        answer_count(stream, "delivered"), peer[0] != '\0' ? peer : "-");
		const struct json_value *servers = json_member(stream, "servers");
		for (const struct json_value *server = servers != NULL ? servers->first : NULL; server != NULL;
		     server = server->next)
			fprintf(out, "    spool %s acknowledged %" PRIu64 " messages, up to %" PRIu64 "; lost-by-peer %" PRIu64 "\n",
			        answer_text(server, "spool"), answer_count(server, "records"), answer_count(server, "sequence"),
			        answer_count(server, "lost"));
	}
}

void stream_table_print(const struct json_value *document, FILE *out)
{
	print_received(json_member(document, "received"), out);
	print_sent(json_member(document, "sent"), out);
}
