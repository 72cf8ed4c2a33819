/* SPDX-License-Identifier: Apache-2.0 */
/* Rules of `relayctl spool drop` for a relay that runs: asked for over the control socket, and what a start finds. */
#include <inttypes.h>
#include <liblog/slog.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "output/output_common.h"
#include "relay/document.h"
#include "relay/relay_internal.h"
#include "spool/spool_audit.h"
#include "spool/spool_drops.h"
#include "spool/spool_stream.h"

/* Whether it is a filter; if not, `error` (OUTPUT_ERROR_MAX_BYTES) says why. */
static bool is_filter(const struct relay *relay, const char *json, char *error)
{
	struct output_filter_options options = {.present = true};
	snprintf(error, OUTPUT_ERROR_MAX_BYTES, "this relay takes no rules");
	bool good = relay->events.read_filter != NULL && relay->events.read_filter(json, &options, error);
	option_free(output_filter_rows, &options);
	return good;
}

enum relay_result relay_check_drops(struct relay *relay, char *error)
{
	char why[OUTPUT_ERROR_MAX_BYTES];
	struct spool_drop_rule rule;
	for (unsigned i = 0; i < SPOOL_DROP_RULES_MAX; i++) {
		if (!spool_drop_at(relay->spool, i, &rule) || is_filter(relay, rule.filter, why))
			continue;
		snprintf(error, RELAY_ERROR_MAX_BYTES, "the spool %s has a rule of \"relayctl spool drop\", number %" PRIu64
		         ", that this version does not understand: %.500s", relay->settings->process.spool.is.path, rule.id, why);
		return RELAY_SPOOL_UNUSABLE;
	}
	return RELAY_OK;
}

/* ---- a request ---- */

/* The answer that says what is wrong. */
static char *refuse(const char *why)
{
	yajl_gen gen = yajl_gen_alloc(NULL);
	if (gen == NULL)
		return NULL;
	yajl_gen_map_open(gen);
	document_text(gen, "error", why);
	yajl_gen_map_close(gen);
	return document_finish(gen);
}

static char *tell(const struct spool_drop_rule *rule)
{
	yajl_gen gen = yajl_gen_alloc(NULL);
	if (gen == NULL)
		return NULL;
	yajl_gen_map_open(gen);
	document_count(gen, "rule", rule->id);
	document_count(gen, "to", rule->to);
	yajl_gen_map_close(gen);
	return document_finish(gen);
}

/* A text of the request into `out`; "" if it is not there. False if it is longer. */
static bool read_text(yajl_val request, const char *name, char *out, size_t size)
{
	const char *path[] = {name, NULL};
	const char *text = YAJL_GET_STRING(yajl_tree_get(request, path, yajl_t_string));
	size_t len = text != NULL ? strlen(text) : 0;
	if (len >= size)
		return false;
	memcpy(out, text != NULL ? text : "", len + 1);
	return true;
}

static uint64_t read_count(yajl_val request, const char *name)
{
	const char *path[] = {name, NULL};
	yajl_val value = yajl_tree_get(request, path, yajl_t_number);
	return YAJL_IS_INTEGER(value) && YAJL_GET_INTEGER(value) > 0 ? (uint64_t)YAJL_GET_INTEGER(value) : 0;
}

/* The spool that the caller has looked at is this one, whatever its path is called where he is. */
static bool is_ours(const struct relay *relay, const char *id)
{
	char ours[2 * SPOOL_STREAM_ID_BYTES + 1];
	for (unsigned i = 0; i < SPOOL_STREAM_ID_BYTES; i++)
		snprintf(ours + 2 * i, 3, "%02x", spool_id(relay->spool)[i]);
	return strcmp(ours, id) == 0;
}

/* On a full disk the rule is made all the same: it has its place there, and the log says whose it is. */
static bool write_audit(const struct relay *relay, const struct spool_audit *audit, char *error, size_t room)
{
	const char *path = spool_path(relay->spool);
	int result = spool_audit_write(path, audit);
	if (result == 0)
		return true;
	if (spool_audit_no_room(result)) {
		slog_warning("spool_audit_not_written", "path", path, "error", strerror(-result));
		return true;
	}
	snprintf(error, room, "nothing was changed, because the line in %s/audit cannot be written: %s", path,
	         strerror(-result));
	return false;
}

char *relay_drop_json(struct relay *relay, yajl_val request, uint32_t uid)
{
	char id[2 * SPOOL_STREAM_ID_BYTES + 1], error[SPOOL_ERROR_MAX_BYTES + OUTPUT_ERROR_MAX_BYTES];
	struct spool_drop_rule rule = {.uid = uid, .to = read_count(request, "to")};
	if (uid != 0 && uid != geteuid())
		return refuse("this command is for root and the user that relayd runs as");
	if (!read_text(request, "spool", id, sizeof id) || !is_ours(relay, id))
		return refuse("this relay has another spool: say with --control which one is meant");
	if (!read_text(request, "output", rule.output, sizeof rule.output))
		return refuse("the output's name is too long");
	if (!read_text(request, "filter", rule.filter, sizeof rule.filter) || rule.filter[0] == '\0')
		return refuse("the filter is missing or too long");
	if (!is_filter(relay, rule.filter, error))
		return refuse(error);
	if (rule.to == 0)
		rule.to = spool_stored(relay->spool);
	if (rule.to == 0 || rule.to > spool_stored(relay->spool))
		return refuse("the rule goes beyond the last message stored");
	const struct spool_audit audit = {.command = "drop", .uid = uid, .output = rule.output, .filter = rule.filter,
	                                  .to = rule.to, .messages = read_count(request, "messages")};
	if (!write_audit(relay, &audit, error, sizeof error))
		return refuse(error);
	return spool_drop_add(relay->spool, &rule, error) ? tell(&rule) : refuse(error);
}
