/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A mail's entry with a list in it: written as RFC 5424 and as JSON, printed, and read back with its types.
 *
 * The list is made at run time, as a real one is; slog_list("b@example.com", "c@example.com") is for lists whose length
 * the source says.
 */
#include <stdio.h>
#include <string.h>

#include <liblog/read.h>
#include <liblog/sink.h>

enum { LINE_MAX_BYTES = 1024, RECIPIENTS_MAX = 100 };

struct mail {
	const char *from;
	const char *const *to;
	size_t to_count;
	uint64_t bytes;
	bool is_spam;
	const char *status;
};

static void log_mail(const struct mail *mail)
{
	struct slog_value to[RECIPIENTS_MAX];
	size_t n = mail->to_count < RECIPIENTS_MAX ? mail->to_count : RECIPIENTS_MAX;
	for (size_t i = 0; i < n; i++)
		to[i] = slog_any(mail->to[i]);
	struct slog_value list = {.type = SLOG_TYPE_LIST, .length = n, .as.list = to};
	slog_info("smtp", "from", mail->from, "bytes", mail->bytes, "to", list, "spam", mail->is_spam, "status", mail->status);
}

/* Prints a field as "key: type text", a list with its items. */
static void print_field(const struct slog_read_member *field)
{
	static const char *const types[] = {"null", "bool", "number", "string", "list", "object"};
	struct slog_read_cursor items = slog_read_members(&field->value);
	struct slog_read_member item;
	printf("  %s: %s %s", field->key, types[field->value.type], field->value.type == SLOG_READ_LIST ? "of" : field->value.text);
	while (slog_read_next(&items, &item))
		printf(" %s", item.value.text);
	printf("\n");
}

/* Logs the mail through this encoder, prints the line, and what is read from it. */
static int show(const struct mail *mail, const struct slog_encoder *encoder)
{
	struct slog_sink *memory = slog_sink_memory(LINE_MAX_BYTES, encoder);
	struct slog_options options = {.size = sizeof options, .app_name = "smtpd", .facility = SLOG_MAIL, .sink = memory};
	if (memory == NULL || slog_open(&options) != 0)
		return 1;
	log_mail(mail);
	char line[LINE_MAX_BYTES];
	slog_memory_text(memory, line, sizeof line);
	slog_close();
	size_t length = strcspn(line, "\n");
	printf("%.*s\n", (int)length, line);

	char room[SLOG_READ_ROOM(LINE_MAX_BYTES)];
	struct slog_reading reading;
	enum slog_read_result result = encoder == &slog_encoder_json
	                                       ? slog_read_json(&reading, line, length, room, sizeof room)
	                                       : slog_read_rfc5424(&reading, line, length, room, sizeof room);
	if (result != SLOG_READ_OK)
		return 1;
	struct slog_read_cursor fields = slog_read_members(&reading.fields);
	struct slog_read_member field;
	while (slog_read_next(&fields, &field))
		print_field(&field);
	return 0;
}

int main(void)
{
	static const char *const to[] = {"b@example.com", "c@example.com"};
	struct mail mail = {
		.from = "a@example.com", .to = to, .to_count = 2, .bytes = 12345, .is_spam = false, .status = "queued",
	};
	return show(&mail, &slog_encoder_rfc5424) || show(&mail, &slog_encoder_json);
}
