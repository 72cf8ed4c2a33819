/* SPDX-License-Identifier: Apache-2.0 */
/* Rules of `relayctl spool drop` for a relay that runs: asked for over the control socket, and what a start finds. */
#include <inttypes.h>
#include <liblog/slog.h>
#include <stdio.h>
#include <string.h>

#include "output/output_common.h"
#include "relay/document.h"
#include "relay/relay_internal.h"
#include "spool/spool_audit.h"
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

/* ---- a new one ---- */

static bool refuse(char *error, const char *why)
{
	snprintf(error, RELAY_DROP_ERROR_MAX_BYTES, "%s", why);
	return false;
}

/* "" if there is no text. False if it is too long. */
static bool copy_text(char *out, size_t size, const char *text)
{
	size_t len = text != NULL ? strlen(text) : 0;
	if (len >= size)
		return false;
	memcpy(out, text != NULL ? text : "", len + 1);
	return true;
}

/* On a full disk the rule is made all the same: it has its place there, and the log says whose it is. */
static bool write_audit(const struct relay *relay, const struct spool_audit *audit, char *error)
{
	const char *path = spool_path(relay->spool);
	int result = spool_audit_write(path, audit);
	if (result == 0)
		return true;
	if (spool_audit_no_room(result)) {
		slog_warning("spool_audit_not_written", "path", path, "error", strerror(-result));
		return true;
	}
	snprintf(error, RELAY_DROP_ERROR_MAX_BYTES, "nothing was changed, because the line in %s/audit cannot be written: %s",
	         path, strerror(-result));
	return false;
}

bool relay_drop_add(struct relay *relay, const struct relay_drop *wanted, struct spool_drop_rule *rule, char *error)
{
	_Static_assert((int)RELAY_DROP_ERROR_MAX_BYTES >= (int)SPOOL_ERROR_MAX_BYTES, "one text takes both errors");
	*rule = (struct spool_drop_rule){.uid = wanted->uid, .to = wanted->to};
	/* Whatever its path is called where he is. */
	if (wanted->spool == NULL || !document_is_hex(wanted->spool, spool_id(relay->spool), SPOOL_STREAM_ID_BYTES))
		return refuse(error, "this relay has another spool: say with --control which one is meant");
	if (wanted->output != NULL && wanted->output[0] == '\0')
		return refuse(error, "\"output\" is empty: without it the rule is for all outputs");
	if (!copy_text(rule->output, sizeof rule->output, wanted->output))
		return refuse(error, "the output's name is too long");
	if (!copy_text(rule->filter, sizeof rule->filter, wanted->filter) || rule->filter[0] == '\0')
		return refuse(error, "the filter is missing or too long");
	if (!is_filter(relay, rule->filter, error))
		return false;
	if (rule->to == 0)
		rule->to = spool_stored(relay->spool);
	if (rule->to == 0 || rule->to > spool_stored(relay->spool))
		return refuse(error, "the rule goes beyond the last message stored");
	const struct spool_audit audit = {.command = "drop", .uid = rule->uid, .output = rule->output, .filter = rule->filter,
	                                  .to = rule->to, .messages = wanted->messages};
	return spool_drop_is_possible(relay->spool, rule, error) && write_audit(relay, &audit, error) &&
	       spool_drop_add(relay->spool, rule, error);
}
