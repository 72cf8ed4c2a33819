/* SPDX-License-Identifier: Apache-2.0 */
#include "output/output_common.h"

#include <liblog/slog.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "output/filter.h"

const char *const output_from_names[] = {"new", "oldest", NULL};
const char *const output_when_behind_names[] = {"hold", "drop_oldest", NULL};

#define FILTER_LIST(member, text)                                                                                      \
	{.name = #member, .kind = OPTION_LIST, .offset = offsetof(struct output_filter_options, member), .doc = text}

const struct option output_filter_rows[] = {
	FILTER_LIST(facility, "Facilities, as keywords (\"auth\") or numbers."),
	{.name = "severity", .kind = OPTION_TEXT, .offset = offsetof(struct output_filter_options, severity),
	 .doc = "The least severity wanted: \"warning\" lets warning and all that is worse pass."},
	FILTER_LIST(hostname, "HOSTNAMEs; * is any text and ? any octet."),
	FILTER_LIST(app_name, "APP-NAMEs; * is any text and ? any octet."),
	FILTER_LIST(input, "Names of the inputs that received the message; * is any text and ? any octet."),
	{.name = NULL},
};

static const char *const tls_versions[] = {"1.2", "1.3", NULL};

const struct option output_tls_rows[] = {
	{.name = "certificate", .kind = OPTION_TEXT, .offset = offsetof(struct output_tls_options, certificate),
	 .doc = "PEM file with our certificate, and behind it the chain."},
	{.name = "key", .kind = OPTION_TEXT, .offset = offsetof(struct output_tls_options, key),
	 .doc = "PEM file with the certificate's private key."},
	{.name = "ca", .kind = OPTION_TEXT, .offset = offsetof(struct output_tls_options, ca),
	 .doc = "PEM file with the trust anchors that the server's chain must lead to."},
	{.name = "peers", .kind = OPTION_LIST, .offset = offsetof(struct output_tls_options, peers),
	 .doc = "Names with wildcards, addresses or fingerprints that the server may have; none: the host name "
	         "it is reached by."},
	{.name = "ciphers", .kind = OPTION_TEXT, .offset = offsetof(struct output_tls_options, ciphers),
	 .doc = "Cipher suites for TLS 1.2, as OpenSSL writes them; default: ECDHE with AEAD."},
	{.name = "min_version", .kind = OPTION_CHOICE, .offset = offsetof(struct output_tls_options, min_version),
	 .preset = "1.2", .choices = tls_versions, .doc = "The oldest version of TLS that is spoken."},
	{.name = NULL},
};

/* Names stand in the cursor file, in commands and in metrics. */
static bool characters_are_good(const char *name)
{
	size_t len = strlen(name);
	if (len == 0 || len > SPOOL_NAME_MAX_BYTES)
		return false;
	for (size_t i = 0; i < len; i++)
		if (name[i] <= ' ' || name[i] > '~' || name[i] == '"' || name[i] == '\\')
			return false;
	return true;
}

static bool check_name(const char *name, char *error)
{
	if (name == NULL || !characters_are_good(name)) {
		snprintf(error, OUTPUT_ERROR_MAX_BYTES,
		         "name: an output needs a name of 1 to %d printable ASCII characters without spaces and quotes",
		         SPOOL_NAME_MAX_BYTES);
		return false;
	}
	/* What is kept for an output on disk, outside the spool's segments, is kept under its name. */
	if (name[0] == '.' || strchr(name, '/') != NULL) {
		snprintf(error, OUTPUT_ERROR_MAX_BYTES,
		         "name: \"%s\" cannot be the name of a file, which an output's must: write it without \"/\", and "
		         "not with \".\" at the front", name);
		return false;
	}
	return true;
}

bool output_common_check(const struct output_common *common, char *error)
{
	if (!check_name(common->name, error))
		return false;
	if (common->when_behind != SPOOL_DROP_OLDEST && (common->max_lag_size > 0 || common->max_lag_time_ns > 0)) {
		snprintf(error, OUTPUT_ERROR_MAX_BYTES,
		         "max_lag_size and max_lag_time have no effect with \"when_behind\": \"hold\": remove them, or "
		         "write \"drop_oldest\"");
		return false;
	}
	struct filter filter;
	char problem[FILTER_ERROR_MAX_BYTES];
	bool good = filter_compile(&filter, &common->filter, NULL, problem);
	filter_free(&filter);
	if (!good)
		snprintf(error, OUTPUT_ERROR_MAX_BYTES, "filter: %s", problem);
	return good;
}

struct tls_context *output_tls_open(const struct output_tls_options *options, char *error)
{
	struct tls_options tls = {
		.certificate = options->certificate,
		.key = options->key,
		.ca = options->ca,
		.peers = (const char *const *)options->peers.items,
		.peers_count = (unsigned)options->peers.count,
		.ciphers = options->ciphers,
		.min_version = tls_versions[options->min_version],
	};
	_Static_assert((int)TLS_ERROR_MAX_BYTES <= (int)OUTPUT_ERROR_MAX_BYTES, "a TLS error fits");
	return tls_context_open(TLS_CLIENT, &tls, error);
}

struct tls_change {
	struct tls_context **slot;
	struct tls_context *context;
};

static void change_tls(void *context)
{
	struct tls_change *change = context;
	struct tls_context *old = *change->slot;
	*change->slot = change->context;
	tls_context_release(&old);
}

bool output_tls_reload(struct output *output, const struct output_tls_options *options, struct tls_context **slot,
                       char *error)
{
	struct tls_change change = {.slot = slot, .context = output_tls_open(options, error)};
	if (change.context == NULL)
		return false;
	if (!output->started || !worker_call(output->setup.worker, change_tls, &change))
		change_tls(&change);
	return true;
}

void output_base_init(struct output *output, const struct output_driver *driver, const struct output_setup *setup)
{
	output->driver = driver;
	output->common = setup->settings;
	output->setup = *setup;
	output->log_limit = (struct rate_limit){.interval_ns = 60 * CLOCK_NS_PER_SECOND, .burst = OUTPUT_LOG_BURST};
	output->since_ns = clock_wall_ns();
	snprintf(output->state, sizeof output->state, "not started");
	int error = pthread_mutex_init(&output->lock, NULL);
	assert(error == 0);
	(void)error;
	atomic_store(&output->sent, spool_cursor_delivered(setup->cursor));
}

void output_base_free(struct output *output)
{
	pthread_mutex_destroy(&output->lock);
}

void output_base_start(struct output *output, worker_fn fn)
{
	assert(!output->started);
	output->started = worker_post(output->setup.worker, fn, output);
}

void output_base_stop(struct output *output, worker_fn fn, void (*stopped)(void *context), void *context)
{
	output->stopped = stopped;
	output->stopped_context = context;
	if (!output->started || !worker_post(output->setup.worker, fn, output))
		stopped(context);
}

bool output_base_cut(struct output *output, worker_fn fn, uint64_t for_ns)
{
	output->cut_ns = for_ns;
	return output->started && worker_call(output->setup.worker, fn, output);
}

void output_stopped(struct output *output)
{
	output_state(output, "stopped");
	output->stopped(output->stopped_context);
}

static void *mutable(const void *pointer)
{
	return (void *)(uintptr_t)pointer;
}

void output_base_status(const struct output *output, struct output_status *status)
{
	*status = (struct output_status){
		.confirmed = output->driver->confirmed,
		.sent = atomic_load_explicit(&output->sent, memory_order_relaxed),
		.delivered = spool_cursor_delivered(output->setup.cursor),
		.resent = atomic_load_explicit(&output->resent, memory_order_relaxed),
		.connects = atomic_load_explicit(&output->connects, memory_order_relaxed),
		.replaced_octets = atomic_load_explicit(&output->replaced_octets, memory_order_relaxed),
		.truncated = atomic_load_explicit(&output->truncated, memory_order_relaxed),
		.refused = atomic_load_explicit(&output->refused, memory_order_relaxed),
	};
	if (status->sent < status->delivered)
		status->sent = status->delivered; /* what was filtered never went to the transport */
	spool_cursor_totals(output->setup.cursor, &status->totals);
	pthread_mutex_t *lock = mutable(&output->lock); /* looking is const for the caller */
	pthread_mutex_lock(lock);
	_Static_assert(sizeof status->detail == sizeof output->detail && sizeof status->peer == sizeof output->peer, "");
	memcpy(status->state, output->state, sizeof status->state);
	if (atomic_load(&output->unreadable))
		snprintf(status->state, sizeof status->state, "held: the spool cannot be read");
	memcpy(status->detail, output->detail, sizeof status->detail);
	memcpy(status->peer, output->peer, sizeof status->peer);
	status->since_ns = output->since_ns;
	pthread_mutex_unlock(lock);
}

void output_state(struct output *output, const char *format, ...)
{
	char state[OUTPUT_STATE_MAX_BYTES];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(state, sizeof state, format, arguments);
	va_end(arguments);
	if (strcmp(state, output->state) == 0)
		return;
	slog_debug_to(output_logger(), "output_state", "output", output->common->name, "from", output->state, "to", state);
	pthread_mutex_lock(&output->lock);
	memcpy(output->state, state, sizeof state);
	output->since_ns = worker_wall_ns(output->setup.worker);
	pthread_mutex_unlock(&output->lock);
}

void output_peer(struct output *output, const char *peer)
{
	pthread_mutex_lock(&output->lock);
	snprintf(output->peer, sizeof output->peer, "%s", peer);
	pthread_mutex_unlock(&output->lock);
}

void output_trouble(struct output *output, const char *event, const char *format, ...)
{
	char detail[sizeof output->detail];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(detail, sizeof detail, format, arguments);
	va_end(arguments);
	pthread_mutex_lock(&output->lock);
	memcpy(output->detail, detail, sizeof detail);
	pthread_mutex_unlock(&output->lock);
	uint64_t held_back = 0;
	if (!rate_limit_pass(&output->log_limit, worker_now_ns(output->setup.worker), &held_back))
		return;
	struct slog_field fields[] = {
		slog_kv("message", detail),
		slog_kv("output", output->common->name),
		slog_kv("peer", output->peer),
		slog_kv("held_back", held_back),
	};
	slog_event(output_logger(), SLOG_WARNING, event, fields, held_back > 0 ? 4 : 3);
}

void output_well(struct output *output)
{
	if (output->detail[0] == '\0')
		return;
	slog_info_to(output_logger(), "output_well", "output", output->common->name, "peer", output->peer, "was",
	             output->detail);
	pthread_mutex_lock(&output->lock);
	output->detail[0] = '\0';
	pthread_mutex_unlock(&output->lock);
}

struct slog_logger *output_logger(void)
{
	return slog_logger("output");
}
