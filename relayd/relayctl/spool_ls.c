/* SPDX-License-Identifier: Apache-2.0 */
/* `relayctl spool ls`: segments and cursors, for people or as JSON. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/printable.h"
#include "relay/document.h"
#include "relayctl/spool_command.h"
#include "spool/spool_files.h"

/* All that is printed. */
struct ls {
	const struct spool_arguments *arguments;
	struct spool_files *files;
	struct spool_peeked cursors[SPOOL_CURSORS_MAX];
	int cursors_count; /* negative: not readable */
};

/* The last sequence of a segment, as far as the next one knows it. */
static uint64_t last_of(const struct spool_files *files, unsigned index)
{
	if (index + 1 == spool_files_count(files))
		return spool_files_last(files);
	const struct spool_files_segment *behind = spool_files_segment(files, index + 1);
	return behind->valid ? behind->previous_last : behind->first - 1;
}

static void write_time(int64_t ns, char *text, size_t size)
{
	time_t seconds = (time_t)(ns / CLOCK_NS_PER_SECOND);
	struct tm parts;
	strftime(text, size, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&seconds, &parts));
}

/* ---- for people ---- */

static void print_segments(const struct spool_files *files)
{
	printf("%16s %14s %14s %12s  %s\n", "segment", "first", "last", "octets", "begun");
	for (unsigned i = 0; i < spool_files_count(files); i++) {
		const struct spool_files_segment *segment = spool_files_segment(files, i);
		char begun[32] = "damaged header";
		if (segment->valid)
			write_time(segment->begun_ns, begun, sizeof begun);
		printf("%16" PRIu64 " %14" PRIu64 " %14" PRIu64 " %12" PRIu64 "  %s\n", segment->counter, segment->first,
		       last_of(files, i), segment->size, begun);
	}
}

static void print_cursors(const struct ls *ls)
{
	if (ls->cursors_count < 0) {
		printf("\nthe cursors cannot be read: %s\n", strerror(-ls->cursors_count));
		return;
	}
	printf("\n%-24s %14s %14s\n", "output", "delivered", "pending");
	for (int i = 0; i < ls->cursors_count; i++) {
		char name[SPOOL_NAME_MAX_BYTES + 1];
		memcpy(name, ls->cursors[i].name, sizeof name);
		printable_make(name);
		printf("%-24s %14" PRIu64 " %14" PRIu64 "\n", name, ls->cursors[i].delivered, ls->cursors[i].pending);
	}
}

static void print_drops(const struct ls *ls)
{
	struct spool_drop_rule rule;
	uint64_t dropped;
	bool any = false;
	for (unsigned i = 0; i < SPOOL_DROP_RULES_MAX; i++) {
		if (!spool_files_drop(ls->files, i, &rule, &dropped))
			continue;
		if (!any)
			printf("\n%8s %14s %14s %8s  %-20s %-24s %s\n", "rule", "up to", "dropped", "uid", "made", "output", "filter");
		any = true;
		char made[32];
		write_time(rule.made_ns, made, sizeof made);
		printable_make(rule.output);
		printable_make(rule.filter);
		printf("%8" PRIu64 " %14" PRIu64 " %14" PRIu64 " %8u  %-20s %-24s %s\n", rule.id, rule.to, dropped,
		       (unsigned)rule.uid, made, rule.output[0] != '\0' ? rule.output : "(every)", rule.filter);
	}
}

static void print(const struct ls *ls)
{
	print_segments(ls->files);
	if (spool_files_spare_bytes(ls->files) > 0)
		printf("%" PRIu64 " octets are prepared for more\n", spool_files_spare_bytes(ls->files));
	if (spool_files_set_aside(ls->files) > 0)
		printf("%u files keep octets that were damaged\n", spool_files_set_aside(ls->files));
	print_cursors(ls);
	print_drops(ls);
}

/* ---- JSON ---- */

static void write_segment(yajl_gen gen, const struct spool_files *files, unsigned index)
{
	const struct spool_files_segment *segment = spool_files_segment(files, index);
	yajl_gen_map_open(gen);
	document_count(gen, "counter", segment->counter);
	document_count(gen, "first", segment->first);
	document_count(gen, "last", last_of(files, index));
	document_count(gen, "octets", segment->size);
	document_bool(gen, "valid", segment->valid);
	if (segment->valid) {
		char begun[32];
		write_time(segment->begun_ns, begun, sizeof begun);
		document_text(gen, "begun", begun);
	}
	yajl_gen_map_close(gen);
}

static void write_cursor(yajl_gen gen, const struct spool_peeked *cursor)
{
	yajl_gen_map_open(gen);
	document_text(gen, "name", cursor->name);
	document_count(gen, "delivered", cursor->delivered);
	document_count(gen, "pending", cursor->pending);
	yajl_gen_map_close(gen);
}

static void write_drop(yajl_gen gen, const struct spool_drop_rule *rule, uint64_t dropped)
{
	char made[32];
	write_time(rule->made_ns, made, sizeof made);
	yajl_gen_map_open(gen);
	document_count(gen, "rule", rule->id);
	document_count(gen, "to", rule->to);
	document_count(gen, "dropped", dropped);
	document_count(gen, "uid", rule->uid);
	document_text(gen, "made", made);
	if (rule->output[0] != '\0')
		document_text(gen, "output", rule->output);
	document_text(gen, "filter", rule->filter);
	yajl_gen_map_close(gen);
}

static void write_drops(yajl_gen gen, const struct ls *ls)
{
	struct spool_drop_rule rule;
	uint64_t dropped;
	document_name(gen, "drops");
	yajl_gen_array_open(gen);
	for (unsigned i = 0; i < SPOOL_DROP_RULES_MAX; i++)
		if (spool_files_drop(ls->files, i, &rule, &dropped))
			write_drop(gen, &rule, dropped);
	yajl_gen_array_close(gen);
}

static void write_document(yajl_gen gen, const struct ls *ls)
{
	document_text(gen, "path", ls->arguments->path);
	document_count(gen, "last", spool_files_last(ls->files));
	document_count(gen, "spare_octets", spool_files_spare_bytes(ls->files));
	document_count(gen, "set_aside", spool_files_set_aside(ls->files));
	document_name(gen, "segments");
	yajl_gen_array_open(gen);
	for (unsigned i = 0; i < spool_files_count(ls->files); i++)
		write_segment(gen, ls->files, i);
	yajl_gen_array_close(gen);
	document_name(gen, "outputs");
	yajl_gen_array_open(gen);
	for (int i = 0; i < ls->cursors_count; i++)
		write_cursor(gen, &ls->cursors[i]);
	yajl_gen_array_close(gen);
	write_drops(gen, ls);
}

static bool print_json(const struct ls *ls)
{
	char *document = NULL;
	yajl_gen gen = document_begin();
	if (gen != NULL) {
		write_document(gen, ls);
		document = document_finish(gen);
	}
	bool good = document != NULL;
	if (good)
		fputs(document, stdout);
	else
		spool_command_fail(ls->arguments, "not enough memory");
	free(document);
	return good;
}

enum relayctl_exit spool_ls_run(const struct spool_arguments *arguments)
{
	char error[SPOOL_ERROR_MAX_BYTES];
	struct ls ls = {.arguments = arguments, .files = spool_files_open(arguments->path, error)};
	if (ls.files == NULL)
		return spool_command_fail(arguments, error);
	ls.cursors_count = spool_files_cursors(ls.files, ls.cursors, SPOOL_CURSORS_MAX);
	bool good = true;
	if (arguments->json)
		good = print_json(&ls);
	else
		print(&ls);
	spool_files_close(&ls.files);
	return good ? RELAYCTL_OK : RELAYCTL_FAILED;
}
