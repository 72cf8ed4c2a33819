/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Walks the rows once for both forms. Rows that all drivers of a list share are printed once, in front of the drivers;
 * so is a section's table that several drivers point to.
 */
#include "config/reference.h"

#include <string.h>

#include "base/bytes.h"
#include "config/wrap.h"
#include "relay/settings.h"

enum {
	FACTS_MAX_BYTES = 512,
	INDENT_COLUMNS = 4, /* of one level */
	TEXT_COLUMNS = 96,
	MDOC_COLUMNS = 80, /* of a line of source */
	MDOC_TEXT_MAX_BYTES = 1024,
	TABLES_MAX = 32, /* section tables that are printed once */
	PATH_MAX_BYTES = 64,
};

struct printed_table {
	const struct option *rows;
	char path[PATH_MAX_BYTES]; /* where: `tls of the input "tcp"` */
};

struct reference {
	FILE *out;
	enum reference_form form;
	struct printed_table tables[TABLES_MAX];
	unsigned tables_count;
};

/* The drivers of one list, seen alike. */
struct driver_list {
	const char *single;
	const char *doc; /* of what they share */
	unsigned count;
	const char *(*type)(unsigned index);
	const char *(*driver_doc)(unsigned index);
	const struct option *(*rows)(unsigned index);
};

/* ---- what both forms say of a row ---- */

static void append(char *out, size_t size, const char *text)
{
	size_t len = strlen(out);
	snprintf(out + len, size - len, "%s", text);
}

static void print_bound(const struct option *row, uint64_t value, char *out, size_t size)
{
	if (row->kind == OPTION_SIZE)
		option_print_size(value, out, size);
	else if (row->kind == OPTION_DURATION)
		option_print_duration(value, out, size);
	else
		snprintf(out, size, "%llu", (unsigned long long)value);
}

static void append_bounds(const struct option *row, char *out, size_t size)
{
	char bound[32];
	if (row->min == 0 && row->max == 0)
		return;
	append(out, size, ", ");
	print_bound(row, row->min, bound, sizeof bound);
	append(out, size, bound);
	append(out, size, " to ");
	print_bound(row, row->max, bound, sizeof bound);
	append(out, size, bound);
}

static void append_choices(const struct option *row, char *out, size_t size)
{
	for (unsigned i = 0; row->choices[i] != NULL; i++) {
		append(out, size, i > 0 ? ", \"" : "one of \"");
		append(out, size, row->choices[i]);
		append(out, size, "\"");
	}
}

/* "a size, 64MiB to 1PiB; default 20GiB" */
static void print_facts(const struct option *row, char *out, size_t size)
{
	static const char *const kinds[] = {
		[OPTION_BOOL] = "true or false", [OPTION_COUNT] = "a number",    [OPTION_SIZE] = "a size",
		[OPTION_DURATION] = "a time",    [OPTION_TEXT] = "text",         [OPTION_CHOICE] = "",
		[OPTION_LIST] = "texts",         [OPTION_SECTION] = "a section",
	};
	out[0] = '\0';
	append(out, size, kinds[row->kind]);
	if (row->kind == OPTION_CHOICE)
		append_choices(row, out, size);
	append_bounds(row, out, size);
	if (row->required)
		append(out, size, "; required");
	if (row->preset == NULL)
		return;
	bool quoted = row->kind == OPTION_TEXT || row->kind == OPTION_CHOICE || row->kind == OPTION_LIST;
	append(out, size, quoted ? "; default \"" : "; default ");
	append(out, size, row->preset);
	append(out, size, quoted ? "\"" : "");
}

/* ---- mdoc ---- */

/* Appends one octet of text as roff wants it: no backslash, and no word that it takes for a request at a line's start.
 */
static size_t put_roff(char *out, bool starts_word, char octet)
{
	if (octet == '\\')
		return (size_t)sprintf(out, "\\e");
	return (size_t)sprintf(out, starts_word && (octet == '.' || octet == '\'') ? "\\&%c" : "%c", octet);
}

/* Text in short lines of source, each sentence on lines of its own, as mdoc asks. */
static void print_mdoc_text(FILE *out, const char *text)
{
	enum { ROFF_OCTETS_MAX = 4 };
	char sentence[MDOC_TEXT_MAX_BYTES];
	size_t len = 0;
	for (char before = ' '; *text != '\0'; before = *text++) {
		assert(len + ROFF_OCTETS_MAX < sizeof sentence);
		bool ends_sentence = before == '.' && *text == ' ';
		if (!ends_sentence) {
			len += put_roff(sentence + len, before == ' ', *text);
			continue;
		}
		wrap_print(out, 0, MDOC_COLUMNS, sentence);
		len = 0;
	}
	if (len > 0)
		wrap_print(out, 0, MDOC_COLUMNS, sentence);
}

/* ---- both ---- */

static void print_heading(struct reference *reference, const char *heading, const char *doc)
{
	if (reference->form == REFERENCE_MDOC) {
		fprintf(reference->out, ".Ss %s\n", heading);
		print_mdoc_text(reference->out, doc);
	} else {
		fprintf(reference->out, "\n%s\n", heading);
		wrap_print(reference->out, INDENT_COLUMNS, TEXT_COLUMNS, doc);
	}
}

static void begin_rows(struct reference *reference)
{
	if (reference->form == REFERENCE_MDOC)
		fputs(".Bl -tag -width Ds\n", reference->out);
}

static void end_rows(struct reference *reference)
{
	if (reference->form == REFERENCE_MDOC)
		fputs(".El\n", reference->out);
}

static void print_row_head(struct reference *reference, unsigned depth, const struct option *row, const char *remark)
{
	char facts[FACTS_MAX_BYTES];
	print_facts(row, facts, sizeof facts);
	if (reference->form == REFERENCE_MDOC) {
		fprintf(reference->out, ".It Ic %s\n", row->name);
		print_mdoc_text(reference->out, row->doc);
		fputs(".Pq ", reference->out);
		/* Quotes are special in a macro's line. */
		for (const char *at = facts; *at != '\0'; at++)
			fputs(*at == '"' ? "\\(dq" : (char[]){*at, '\0'}, reference->out);
		fputc('\n', reference->out);
		if (remark[0] != '\0')
			print_mdoc_text(reference->out, remark);
		return;
	}
	unsigned indent = INDENT_COLUMNS * depth;
	fprintf(reference->out, "%*s%s: %s\n", (int)indent, "", row->name, facts);
	wrap_print(reference->out, indent + INDENT_COLUMNS, TEXT_COLUMNS, row->doc);
	if (remark[0] != '\0')
		wrap_print(reference->out, indent + INDENT_COLUMNS, TEXT_COLUMNS, remark);
}

/* Where the section's table was printed before, or NULL; then it is noted for the next time. */
static const char *printed_before(struct reference *reference, const struct option *row, const char *where)
{
	for (unsigned i = 0; i < reference->tables_count; i++) {
		if (reference->tables[i].rows == row->section)
			return reference->tables[i].path;
	}
	assert(reference->tables_count < TABLES_MAX);
	struct printed_table *table = &reference->tables[reference->tables_count++];
	table->rows = row->section;
	snprintf(table->path, sizeof table->path, "%s of %s", row->name, where);
	return NULL;
}

static void print_row(struct reference *reference, unsigned depth, const struct option *row, const char *where)
{
	char remark[PATH_MAX_BYTES + 32] = "";
	if (row->kind != OPTION_SECTION) {
		print_row_head(reference, depth, row, remark);
		return;
	}
	const char *before = printed_before(reference, row, where);
	if (before != NULL)
		snprintf(remark, sizeof remark, "Its options are those of %s.", before);
	print_row_head(reference, depth, row, remark);
	if (before != NULL)
		return;
	begin_rows(reference);
	for (const struct option *inner = row->section; inner->name != NULL; inner++)
		print_row(reference, depth + 1, inner, where);
	end_rows(reference);
}

/* ---- drivers ---- */

static bool same_text(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

/* Whether every driver of the list has this row, told in the same words. */
static bool is_shared(const struct driver_list *list, const struct option *row)
{
	for (unsigned i = 0; i < list->count; i++) {
		const struct option *other = option_find(list->rows(i), row->name);
		if (other == NULL || other->kind != row->kind || other->section != row->section ||
			!same_text(other->doc, row->doc) || !same_text(other->preset, row->preset))
			return false;
	}
	return list->count > 1;
}

static void print_rows_if(struct reference *reference, const struct driver_list *list, unsigned index, bool shared,
						  const char *where)
{
	begin_rows(reference);
	for (const struct option *row = list->rows(index); row->name != NULL; row++) {
		if (is_shared(list, row) == shared)
			print_row(reference, 1, row, where);
	}
	end_rows(reference);
}

static bool has_own_rows(const struct driver_list *list, unsigned index)
{
	for (const struct option *row = list->rows(index); row->name != NULL; row++) {
		if (!is_shared(list, row))
			return true;
	}
	return false;
}

static void print_drivers(struct reference *reference, const struct driver_list *list)
{
	char heading[PATH_MAX_BYTES], where[PATH_MAX_BYTES];
	snprintf(heading, sizeof heading, "Every %s", list->single);
	print_heading(reference, heading, list->doc);
	snprintf(where, sizeof where, "every %s", list->single);
	if (list->count > 1)
		print_rows_if(reference, list, 0, true, where);
	for (unsigned i = 0; i < list->count; i++) {
		snprintf(heading, sizeof heading, "The %s type %s", list->single, list->type(i));
		print_heading(reference, heading, list->driver_doc(i));
		snprintf(where, sizeof where, "the %s type %s", list->single, list->type(i));
		if (has_own_rows(list, i))
			print_rows_if(reference, list, i, false, where);
	}
}

static const char *input_type(unsigned index)
{
	return input_drivers[index]->type;
}

static const char *input_doc(unsigned index)
{
	return input_drivers[index]->doc;
}

static const struct option *input_rows(unsigned index)
{
	return input_drivers[index]->options;
}

static const char *output_type(unsigned index)
{
	return output_drivers[index]->type;
}

static const char *output_doc(unsigned index)
{
	return output_drivers[index]->doc;
}

static const struct option *output_rows(unsigned index)
{
	return output_drivers[index]->options;
}

void reference_print(FILE *out, enum reference_form form)
{
	struct reference reference = {.out = out, .form = form};
	struct driver_list inputs = {
		.single = "input",
		.doc = "Each object in the list inputs has a \"type\", and these options whatever it is.",
		.type = input_type,
		.driver_doc = input_doc,
		.rows = input_rows,
	};
	struct driver_list outputs = {
		.single = "output",
		.doc = "Each object in the list outputs has a \"type\", and these options whatever it is.",
		.type = output_type,
		.driver_doc = output_doc,
		.rows = output_rows,
	};
	while (input_drivers[inputs.count] != NULL)
		inputs.count++;
	while (output_drivers[outputs.count] != NULL)
		outputs.count++;
	print_heading(&reference, "Top level",
				  "The file is one object with these members, and the lists inputs and outputs.");
	begin_rows(&reference);
	for (const struct option *row = process_options; row->name != NULL; row++)
		print_row(&reference, 1, row, "the top level");
	end_rows(&reference);
	print_drivers(&reference, &inputs);
	print_drivers(&reference, &outputs);
}
