/* SPDX-License-Identifier: Apache-2.0 */
#include "config/check.h"

#include <errno.h>
#include <inttypes.h>
#include <libgen.h>
#include <limits.h>
#include <pwd.h>
#include <sys/stat.h>

#include "intake/zone_file.h"
#include "net/tls_context.h"
#include "relay/relay.h"
#include "spool/spool_peek.h"

enum { CURSORS_SHOWN_MAX = 64 };

static unsigned line_in(const struct json_value *object, const char *name, unsigned otherwise)
{
	const struct json_value *member = json_member(object, name);
	return member != NULL ? member->line : otherwise;
}

/* ---- time zones ---- */

static void check_zone(struct config *config, const char *where, const char *name, unsigned line)
{
	static struct timezone_rules rules; /* large, and nobody reads it */
	char error[ZONE_FILE_ERROR_MAX_BYTES];
	if (name != NULL && !zone_file_load(name, &rules, error))
		config_report(config, line, "%stime_zone: %s", where, error);
}

static void check_zones(struct config *config)
{
	const struct settings *settings = &config->settings;
	check_zone(config, "", settings->process.time_zone, line_in(config->tree, "time_zone", 1));
	for (unsigned i = 0; i < settings->inputs_count; i++) {
		const struct input_common *common = settings->inputs[i].options;
		char where[SPOOL_NAME_MAX_BYTES + 16];
		snprintf(where, sizeof where, "input \"%s\": ", settings->inputs[i].name);
		check_zone(config, where, common->time_zone,
				   line_in(config_input(config, i), "time_zone", settings->inputs[i].line));
	}
}

/* ---- tls ---- */

/* A text, choice or flag of a "tls" section by its row's name; "" if the section has no such row or it is not set. */
static void tls_value(const struct option *rows, const void *section, const char *name, char *value, size_t size)
{
	const struct option *row = option_find(rows, name);
	value[0] = '\0';
	if (row != NULL)
		option_print(row, section, value, size);
}

static const char *or_null(const char *text)
{
	return text[0] != '\0' ? text : NULL;
}

/* Inputs and outputs have structs of their own for it; the rows' names are the same in both. */
static void check_tls(struct config *config, const char *where, unsigned line, enum tls_role role,
					  const struct option *options, const void *settings)
{
	const struct option *row = option_find(options, "tls");
	if (row == NULL || row->kind != OPTION_SECTION || !*(const bool *)((const char *)settings + row->offset))
		return;
	const void *section = (const char *)settings + row->offset;
	char certificate[4096], key[4096], ca[4096], ciphers[1024], min_version[16], anonymous[8];
	tls_value(row->section, section, "certificate", certificate, sizeof certificate);
	tls_value(row->section, section, "key", key, sizeof key);
	tls_value(row->section, section, "ca", ca, sizeof ca);
	tls_value(row->section, section, "ciphers", ciphers, sizeof ciphers);
	tls_value(row->section, section, "min_version", min_version, sizeof min_version);
	tls_value(row->section, section, "allow_anonymous_peers", anonymous, sizeof anonymous);
	const struct option *peers_row = option_find(row->section, "peers");
	const struct option_list *peers =
		peers_row != NULL ? (const void *)((const char *)section + peers_row->offset) : &(const struct option_list){0};
	const struct tls_options tls = {
		.certificate = or_null(certificate),
		.key = or_null(key),
		.ca = or_null(ca),
		.peers = (const char *const *)peers->items,
		.peers_count = (unsigned)peers->count,
		.allow_anonymous_peers = strcmp(anonymous, "true") == 0,
		.ciphers = or_null(ciphers),
		.min_version = or_null(min_version),
	};
	char error[TLS_ERROR_MAX_BYTES];
	struct tls_context *context = tls_context_open(role, &tls, error);
	if (context == NULL)
		config_report(config, line, "%s %s", where, error);
	tls_context_release(&context);
}

static void check_files(struct config *config)
{
	const struct settings *settings = &config->settings;
	char where[SPOOL_NAME_MAX_BYTES + 16];
	for (unsigned i = 0; i < settings->inputs_count; i++) {
		const struct input_settings *input = &settings->inputs[i];
		snprintf(where, sizeof where, "input \"%s\":", input->name);
		check_tls(config, where, line_in(config_input(config, i), "tls", input->line), TLS_SERVER,
				  input->driver->options, input->options);
	}
	for (unsigned i = 0; i < settings->outputs_count; i++) {
		const struct output_settings *output = &settings->outputs[i];
		snprintf(where, sizeof where, "output \"%s\":", output->name);
		check_tls(config, where, line_in(config_output(config, i), "tls", output->line), TLS_CLIENT,
				  output->driver->options, output->options);
	}
}

/* ---- the user ---- */

static void check_user(struct config *config)
{
	const char *user = config->settings.process.user;
	errno = 0;
	if (user != NULL && getpwnam(user) == NULL && (errno == 0 || errno == ENOENT))
		config_report(config, line_in(config->tree, "user", 1), "user: there is no user \"%s\"", user);
}

/* ---- the spool ---- */

/* The spool's own directory is made at the start, the one above is not: it decides which disk the spool is on. */
static void check_spool_parent(struct config *config)
{
	const struct json_value *spool = json_member(config->tree, "spool");
	char copy[PATH_MAX];
	struct stat status;
	/* The embedded default makes its own. */
	if (json_member(spool, "path") == NULL || strlen(config->settings.process.spool.is.path) >= sizeof copy)
		return;
	strcpy(copy, config->settings.process.spool.is.path);
	const char *parent = dirname(copy);
	if (stat(parent, &status) != 0 && errno == ENOENT)
		config_report(config, line_in(spool, "path", 1),
					  "spool.path: there is no directory %s to make the spool in; make it, or give another path", parent);
}

static void check_spool_size(struct config *config)
{
	const struct json_value *spool = json_member(config->tree, "spool");
	char error[RELAY_ERROR_MAX_BYTES];
	if (!relay_spool_is_sound(&config->settings, error))
		config_report(config, line_in(spool, "max_size", spool != NULL ? spool->line : 1), "spool: %s", error);
}

static bool has_output(const struct settings *settings, const char *name)
{
	for (unsigned i = 0; i < settings->outputs_count; i++) {
		if (strcmp(settings->outputs[i].name, name) == 0)
			return true;
	}
	return false;
}

static void check_spool(struct config *config, FILE *out)
{
	static struct spool_peeked cursors[CURSORS_SHOWN_MAX];
	const char *path = config->settings.process.spool.is.path;
	int count = spool_peek(path, cursors, CURSORS_SHOWN_MAX);
	if (count < 0)
		fprintf(out, "%s: not checked: the cursors of the spool %s: %s\n", config->file, path, strerror(-count));
	for (int i = 0; i < count && i < CURSORS_SHOWN_MAX; i++) {
		if (!has_output(&config->settings, cursors[i].name))
			config_report(
				config, line_in(config->tree, "outputs", 1),
				"the spool %s keeps %" PRIu64 " messages for the output \"%s\" (it got those up to %" PRIu64
				"), which is not in the configuration; relayd will not start until an output has that name",
				path, cursors[i].pending, cursors[i].name, cursors[i].delivered);
	}
}

bool config_check(struct config *config, FILE *out, FILE *errors)
{
	check_zones(config);
	check_user(config);
	check_files(config);
	check_spool_parent(config);
	check_spool_size(config);
	check_spool(config, out);
	if (config->errors_count > 0) {
		config_print_errors(config, errors);
		return false;
	}
	unsigned inputs = config->settings.inputs_count, outputs = config->settings.outputs_count;
	fprintf(out, "%s: good: %u input%s, %u output%s\n", config->file, inputs, inputs == 1 ? "" : "s", outputs,
			outputs == 1 ? "" : "s");
	return true;
}
