/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bound loggers: slog_with(). A bound logger is one allocation: itself, its fields, and behind them copies of all that
 * the fields' values point at. The copying is done twice, first without memory to learn the size.
 */
#include "logger.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "scalar.h"
#include "stats.h"

struct bound_logger {
	struct slog_logger logger;
	struct slog_logger_state state;
};

/* Memory handed out from one block; base NULL: only counts. */
struct store {
	char *base;
	size_t used;
};

/* Room for size octets, aligned for any value; NULL while counting. */
static void *store_take(struct store *store, size_t size)
{
	void *room = store->base != NULL ? store->base + store->used : NULL;
	store->used += (size + _Alignof(max_align_t) - 1) / _Alignof(max_align_t) * _Alignof(max_align_t);
	return room;
}

static const void *store_copy(struct store *store, const void *from, size_t size)
{
	void *room = store_take(store, size);
	if (room != NULL)
		memcpy(room, from, size);
	return room;
}

static void store_value(struct store *store, struct slog_value *value);

/* Copies n fields to `to`, or only counts if it is NULL. */
static void store_fields(struct store *store, struct slog_field *to, const struct slog_field *from, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct slog_field field = from[i];
		field.key = store_copy(store, field.key, field.key_length);
		store_value(store, &field.value);
		if (to != NULL)
			to[i] = field;
	}
}

static const struct slog_value *store_list(struct store *store, const struct slog_value *from, size_t n)
{
	struct slog_value *to = store_take(store, n * sizeof *to);
	for (size_t i = 0; i < n; i++) {
		struct slog_value value = from[i];
		store_value(store, &value);
		if (to != NULL)
			to[i] = value;
	}
	return to;
}

static const struct slog_field *store_group(struct store *store, const struct slog_field *from, size_t n)
{
	struct slog_field *to = store_take(store, n * sizeof *to);
	store_fields(store, to, from, n);
	return to;
}

/* An address is copied into room that every reader of its family may read. */
static const struct sockaddr *store_address(struct store *store, const struct sockaddr *from)
{
	size_t size = from->sa_family == AF_UNIX    ? sizeof(struct sockaddr_un)
	              : from->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6)
	                                            : sizeof(struct sockaddr);
	return store_copy(store, from, size);
}

/* Makes the value point at copies. */
static void store_value(struct store *store, struct slog_value *value)
{
	switch (value->type) {
	case SLOG_TYPE_STRING:
	case SLOG_TYPE_BYTES:
	case SLOG_TYPE_JSON:
		value->as.pointer = store_copy(store, value->as.pointer, value->length);
		break;
	case SLOG_TYPE_LIST:
		value->as.list = store_list(store, value->as.list, value->length);
		break;
	case SLOG_TYPE_GROUP:
		value->as.group = store_group(store, value->as.group, value->length);
		break;
	case SLOG_TYPE_ADDRESS:
		value->as.address = store_address(store, value->as.address);
		break;
	default:
		break;
	}
}

/* The parent's fields, then the new ones. */
static struct slog_field *store_all(struct store *store, const struct slog_logger *parent,
                                    const struct slog_field *fields, size_t n)
{
	size_t before = parent->state->set.count;
	struct slog_field *all = store_take(store, (before + n) * sizeof *all);
	store_fields(store, all, parent->state->set.fields, before);
	store_fields(store, all != NULL ? all + before : NULL, fields, n);
	return all;
}

/* Of equal keys the last stands, so the others need not be kept. Returns how many fields are left. */
static size_t keep_last_of_equals(struct slog_field *fields, size_t n)
{
	size_t kept = 0;
	for (size_t i = 0; i < n; i++)
		if (slog_field_stands(fields, n, i))
			fields[kept++] = fields[i];
	return kept;
}

struct slog_logger *slog_with_fields(struct slog_logger *parent, const struct slog_field *fields, size_t n)
{
	int saved = errno;
	struct store store = {NULL, 0};
	store_take(&store, sizeof(struct bound_logger));
	store_all(&store, parent, fields, n);
	store.base = calloc(1, store.used);
	store.used = 0;
	errno = saved;
	if (store.base == NULL) {
		slog_stats_unbound();
		return parent->state->named;
	}
	struct bound_logger *bound = store_take(&store, sizeof *bound);
	bound->logger.state = &bound->state;
	bound->state.named = parent->state->named;
	struct slog_field *all = store_all(&store, parent, fields, n);
	bound->state.set.fields = all;
	bound->state.set.count = keep_last_of_equals(all, parent->state->set.count + n);
	slog_bound_set_prepare(&bound->state.set);
	errno = saved;
	slog_registry_add_bound(&bound->logger);
	return &bound->logger;
}

void slog_free(struct slog_logger *logger)
{
	if (logger == NULL || logger->state->named == logger)
		return;
	slog_registry_remove_bound(logger);
	slog_bound_set_release(&logger->state->set);
	free(logger);
}
