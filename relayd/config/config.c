/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads the file, walks the top level, and keeps the errors. Options are set in config_options.c, inputs and outputs in
 * config_drivers.c; config_finish.c looks at the whole.
 */
#include "config/config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/printable.h"
#include "config/config_internal.h"
#include "config/config_options.h"
#include "config/places.h"

/* ---- errors ---- */

void config_report(struct config *config, unsigned line, const char *format, ...)
{
	char what[CONFIG_ERROR_MAX_BYTES];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(what, sizeof what, format, arguments);
	va_end(arguments);
	printable_make(what);
	unsigned kept = config->errors_count++;
	if (kept >= CONFIG_ERRORS_MAX)
		return;
	char *text = NULL;
	int len = line > 0 ? asprintf(&text, "%s:%u: %s", config->file, line, what)
					   : asprintf(&text, "%s: %s", config->file, what);
	if (len < 0)
		text = NULL;
	/* By line; of one line in the order found. */
	unsigned at = kept;
	for (; at > 0 && config->errors[at - 1].line > line; at--)
		config->errors[at] = config->errors[at - 1];
	config->errors[at] = (struct config_error){line, text};
}

void config_print_errors(const struct config *config, FILE *out)
{
	for (unsigned i = 0; i < config->errors_count && i < CONFIG_ERRORS_MAX; i++)
		fprintf(out, "%s\n", config->errors[i].text != NULL ? config->errors[i].text : "memory is short");
	if (config->errors_count > CONFIG_ERRORS_MAX)
		fprintf(out, "%s: %u more errors are not shown\n", config->file, config->errors_count - CONFIG_ERRORS_MAX);
}

/* ---- reading ---- */

static void read_top(struct config *config)
{
	static const char *const others[] = {"inputs", "outputs", NULL};
	if (config->tree->kind != JSON_OBJECT) {
		config_report(config, config->tree->line, "must be an object { }, not %s", json_kind_name(config->tree->kind));
		return;
	}
	if (!option_set_presets(process_options, &config->settings.process)) {
		config_report(config, config->tree->line, "memory is short");
		return;
	}
	config_read_options(config, config->tree, "", process_options, others, &config->settings.process);
	config_read_inputs(config);
	config_read_outputs(config);
	config_finish(config);
	if (config->errors_count == 0)
		config_check_identities(config);
}

/* Begins anew with the name of the file. False if memory is short. */
static bool start(struct config *config, const char *file)
{
	*config = (struct config){0};
	config->file = strdup(file);
	if (config->file == NULL) {
		config->errors_count = 1;
		return false;
	}
	return true;
}

static bool read_into(struct config *config, struct bytes text)
{
	struct json_error error;
	if (text.len == 0) {
		config_report(config, 0, "is empty; it must be an object { } with the lists \"inputs\" and \"outputs\"");
		return false;
	}
	config->tree = json_tree_read(text, &error);
	if (config->tree != NULL)
		read_top(config);
	else
		config_report(config, error.line, "%s", error.text);
	return config->errors_count == 0;
}

bool config_read_text(struct config *config, const char *file, struct bytes text)
{
	return start(config, file) && read_into(config, text);
}

/* Reads at most `size` octets of a file. Their number, or -1 with errno. */
static ssize_t read_whole(const char *path, char *out, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return -1;
	size_t len = 0;
	while (len < size) {
		ssize_t got = read(fd, out + len, size - len);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			int failure = errno;
			close(fd);
			errno = failure;
			return -1;
		}
		if (got == 0)
			break;
		len += (size_t)got;
	}
	close(fd);
	return (ssize_t)len;
}

bool config_read_file(struct config *config, const char *path)
{
	if (!start(config, path))
		return false;
	/* One octet more than is allowed shows that there are too many. */
	size_t size = JSON_TEXT_MAX_BYTES + 1;
	char *text = malloc(size);
	if (text == NULL) {
		config_report(config, 1, "memory is short");
		return false;
	}
	ssize_t len = read_whole(path, text, size);
	if (len < 0)
		config_report(config, 0, "cannot be read: %s", strerror(errno));
	else
		read_into(config, bytes_of(text, (size_t)len));
	free(text);
	return config->errors_count == 0;
}

/* ---- the embedded default ---- */

bool config_read_default(struct config *config, bool ipv6)
{
	static const char text[] = "{ \"log\": { \"level\": \"notice\" },\n"
							   "  \"inputs\": [ { \"type\": \"udp\", \"listen\": \"127.0.0.1:5514\" },\n"
							   "              { \"type\": \"tcp\", \"listen\": \"127.0.0.1:5514\" }%s ],\n"
							   "  \"outputs\": [ { \"name\": \"stdout\", \"type\": \"stdout\" } ] }\n";
	static const char more[] = ",\n              { \"type\": \"udp\", \"listen\": \"[::1]:5514\" },\n"
							   "              { \"type\": \"tcp\", \"listen\": \"[::1]:5514\" }";
	char whole[sizeof text + sizeof more];
	int len = snprintf(whole, sizeof whole, text, ipv6 ? more : "");
	if (!config_read_text(config, "(embedded default)", bytes_of(whole, (size_t)len)))
		return false;
	char *directory = places_state_directory();
	if (directory == NULL) {
		config_report(config, 1,
					  "neither HOME nor XDG_STATE_HOME is set, so there is no place for the spool; write a "
					  "configuration with spool.path and start with -c");
		return false;
	}
	char **path = &config->settings.process.spool.is.path;
	free(*path);
	if (asprintf(path, "%s/spool", directory) < 0)
		*path = NULL;
	free(directory);
	if (*path == NULL)
		config_report(config, 1, "memory is short");
	return config->errors_count == 0;
}

/* ---- origins and the end ---- */

const struct json_value *config_input(const struct config *config, unsigned index)
{
	return json_item(json_member(config->tree, "inputs"), index);
}

const struct json_value *config_output(const struct config *config, unsigned index)
{
	return json_item(json_member(config->tree, "outputs"), index);
}

void config_free(struct config *config)
{
	settings_free(&config->settings);
	json_tree_free(&config->tree);
	for (unsigned i = 0; i < CONFIG_ERRORS_MAX; i++)
		free(config->errors[i].text);
	free(config->file);
	*config = (struct config){0};
}
