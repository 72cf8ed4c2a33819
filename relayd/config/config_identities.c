/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Streams of other relays are kept by who their relay is: the name in its certificate that matched, or the operator's label
 * for its fingerprint. If one text can be both, either peer can take over the other's stream; so no label may be a name that
 * a CA could put into a certificate which an input lets in. A name without a wildcard that stands in `peers` and equals the
 * label is no accident: the operator says that they are the same peer.
 */
#include "config/config_internal.h"
#include "input/input_tls.h"
#include "net/tls_peer_rule.h"

/* The section of an input that takes streams; NULL for others, and without TLS. */
static const struct input_tls *tls_of(const struct input_settings *input)
{
	const struct option *row = option_find(input->driver->options, "tls");
	if (strcmp(input->driver->type, "relp") != 0 || row == NULL)
		return NULL;
	const struct input_tls *tls = (const void *)((const char *)input->options + row->offset);
	return tls->present ? tls : NULL;
}

/* The label in an entry; empty if it has none, or one with a capital letter: names are kept in lower case. */
static struct bytes label_in(const char *entry)
{
	struct tls_peer_rule rule;
	char error[TLS_RULE_ERROR_MAX_BYTES];
	size_t len = tls_peer_rule_read(entry, &rule, error) ? rule.label_len : 0;
	for (size_t i = 0; i < len; i++)
		if (entry[i] >= 'A' && entry[i] <= 'Z')
			return bytes_of(NULL, 0);
	return bytes_of(entry, len);
}

/* Whether this entry lets in, among others, a certificate of that name. */
static bool is_pattern_of(const char *entry, struct bytes name)
{
	struct tls_peer_rule rule;
	char error[TLS_RULE_ERROR_MAX_BYTES];
	return strchr(entry, '*') != NULL && tls_peer_rule_read(entry, &rule, error) && rule.kind == TLS_RULE_NAME &&
	       tls_name_matches(bytes_of_text(entry), name);
}

/* Whether the input lets in a certificate of that name, and why. */
static bool lets_in(const struct input_tls *tls, struct bytes name, const char **why)
{
	if (tls->ca == NULL)
		return false;
	*why = "any that leads to its ca";
	for (size_t i = 0; i < tls->peers.count; i++) {
		*why = tls->peers.items[i];
		if (is_pattern_of(*why, name))
			return true;
	}
	return tls->peers.count == 0;
}

/* Where the entry stands. */
static unsigned line_of(const struct config *config, unsigned input, unsigned entry)
{
	const struct json_value *item = json_item(json_member(config->tree, "inputs"), input);
	const struct json_value *peers = json_member(json_member(item, "tls"), "peers");
	const struct json_value *found = json_item(peers, entry);
	return found != NULL ? found->line : peers != NULL ? peers->line : config->settings.inputs[input].line;
}

static void check_label(struct config *config, unsigned input, unsigned entry, struct bytes label)
{
	const struct settings *settings = &config->settings;
	for (unsigned i = 0; i < settings->inputs_count; i++) {
		const struct input_tls *tls = tls_of(&settings->inputs[i]);
		const char *why;
		if (tls == NULL || !lets_in(tls, label, &why))
			continue;
		config_report(config, line_of(config, input, entry),
		              "inputs[%u]: tls: peers: a certificate may have the name \"%.*s\", which is a label here, and be let "
		              "in by the input in line %u (%.100s): each could take over the stream of the other. Choose a label "
		              "with a capital letter, which no name has", input, (int)label.len, (const char *)label.at,
		              settings->inputs[i].line, why);
		return;
	}
}

void config_check_identities(struct config *config)
{
	for (unsigned i = 0; i < config->settings.inputs_count; i++) {
		const struct input_tls *tls = tls_of(&config->settings.inputs[i]);
		for (unsigned k = 0; tls != NULL && k < tls->peers.count; k++) {
			struct bytes label = label_in(tls->peers.items[k]);
			if (label.len > 0)
				check_label(config, i, k, label);
		}
	}
}
