/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All loggers of the process, and their levels. A lock guards the lists; logging calls never take it. Named loggers are
 * found by a walk: a program has some dozens and looks each up once.
 */
#include "logger.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static struct slog_logger_state default_state = {
	.named = &slog_default_logger, .own_level = true, .facility = SLOG_USER,
};
struct slog_logger slog_default_logger = {.level = SLOG_INFO, .state = &default_state};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct slog_logger *named_loggers = &slog_default_logger;
static struct slog_logger *bound_loggers;
static char levels_text[SLOG_LEVELS_MAX + 1]; /* of the last slog_set_levels(), for loggers made later */

/* One "name=level" or "level" of a text of levels. */
struct setting {
	const char *name;
	size_t name_length;
	int level;
};

static void store_level(struct slog_logger *logger, int level)
{
	__atomic_store_n(&logger->level, level, __ATOMIC_RELAXED);
}

/* Sets a named logger's level and that of those bound from it. The lock is held. */
static void set_named_level(struct slog_logger *logger, int level)
{
	store_level(logger, level);
	for (struct slog_logger *bound = bound_loggers; bound != NULL; bound = bound->state->next)
		if (bound->state->named == logger)
			store_level(bound, level);
}

static void set_level_locked(struct slog_logger *logger, int level)
{
	logger->state->own_level = true;
	set_named_level(logger, level);
	if (logger != &slog_default_logger)
		return;
	for (struct slog_logger *other = named_loggers; other != NULL; other = other->state->next)
		if (!other->state->own_level)
			set_named_level(other, level);
}

void slog_set_level(struct slog_logger *logger, int level)
{
	assert(level >= SLOG_OFF && level <= SLOG_TRACE);
	pthread_mutex_lock(&lock);
	set_level_locked(logger->state->named, level);
	pthread_mutex_unlock(&lock);
}

/* Reads the setting at *text and moves behind it and its comma. False if it is none. */
static bool next_setting(const char **text, struct setting *setting)
{
	size_t length = strcspn(*text, ",");
	const char *equals = memchr(*text, '=', length);
	const char *level = equals != NULL ? equals + 1 : *text;
	setting->name = *text;
	setting->name_length = equals != NULL ? (size_t)(equals - *text) : 0;
	if (!slog_level_read(level, (size_t)(*text + length - level), &setting->level))
		return false;
	*text += length;
	if (**text == ',')
		(*text)++;
	return true;
}

static bool is_setting_of(const struct setting *setting, const struct slog_logger *logger)
{
	return strlen(logger->state->name) == setting->name_length &&
	       memcmp(logger->state->name, setting->name, setting->name_length) == 0;
}

bool slog_set_levels(const char *levels)
{
	struct setting setting;
	for (const char *at = levels; *at != '\0';)
		if (!next_setting(&at, &setting))
			return false;
	if (strlen(levels) > SLOG_LEVELS_MAX)
		return false;
	pthread_mutex_lock(&lock);
	memmove(levels_text, levels, strlen(levels) + 1);
	for (const char *at = levels_text; *at != '\0';) {
		next_setting(&at, &setting);
		for (struct slog_logger *logger = named_loggers; logger != NULL; logger = logger->state->next)
			if (is_setting_of(&setting, logger))
				set_level_locked(logger, setting.level);
	}
	pthread_mutex_unlock(&lock);
	return true;
}

/* A new logger's level: the last one given for its name, else the default logger's. */
static void start_level(struct slog_logger *logger)
{
	struct setting setting;
	logger->level = slog_default_logger.level;
	for (const char *at = levels_text; *at != '\0' && next_setting(&at, &setting);)
		if (is_setting_of(&setting, logger)) {
			logger->level = setting.level;
			logger->state->own_level = true;
		}
}

static struct slog_logger *make_named(const char *name)
{
	struct pair {
		struct slog_logger logger;
		struct slog_logger_state state;
	} *pair = calloc(1, sizeof *pair);
	if (pair == NULL)
		return &slog_default_logger;
	pair->logger.state = &pair->state;
	pair->state.named = &pair->logger;
	pair->state.facility = SLOG_FACILITY_INHERITED;
	memcpy(pair->state.name, name, strnlen(name, SLOG_LOGGER_NAME_MAX));
	start_level(&pair->logger);
	pair->state.next = named_loggers->state->next;
	named_loggers->state->next = &pair->logger;
	return &pair->logger;
}

struct slog_logger *slog_logger_named(const char *name)
{
	pthread_mutex_lock(&lock);
	struct slog_logger *found = named_loggers;
	while (found != NULL && strncmp(found->state->name, name, SLOG_LOGGER_NAME_MAX) != 0)
		found = found->state->next;
	if (found == NULL)
		found = make_named(name);
	pthread_mutex_unlock(&lock);
	return found;
}

void slog_registry_add_bound(struct slog_logger *logger)
{
	pthread_mutex_lock(&lock);
	logger->level = logger->state->named->level;
	logger->state->next = bound_loggers;
	logger->state->link = &bound_loggers;
	if (bound_loggers != NULL)
		bound_loggers->state->link = &logger->state->next;
	bound_loggers = logger;
	pthread_mutex_unlock(&lock);
}

void slog_registry_remove_bound(struct slog_logger *logger)
{
	pthread_mutex_lock(&lock);
	*logger->state->link = logger->state->next;
	if (logger->state->next != NULL)
		logger->state->next->state->link = logger->state->link;
	pthread_mutex_unlock(&lock);
}

/* The environment's levels hold from the first call on, without slog_open(). A wrong text is ignored. */
static __attribute__((constructor)) void read_environment(void)
{
	const char *levels = secure_getenv("SLOG");
	if (levels != NULL)
		slog_set_levels(levels);
}
