/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All loggers of the process, and their levels. A gate guards the lists; logging calls never take it, and a fork cannot
 * leave it closed. Named loggers are found by a walk: a program has some dozens and looks each up once.
 *
 * Setting a level is allowed in a signal handler, which may have interrupted whoever holds the gate. So it waits for
 * nobody: named loggers, which are never freed, are walked without the gate. Bound ones come and go; who finds the gate
 * closed leaves word that their levels have changed, and the holder brings them up to date when it leaves.
 */
#include "logger.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "gate.h"

#define WAIT_MS 1000 /* then is looked again: nobody holds the gate for long */

static struct slog_logger_state default_state = {
	.named = &slog_default_logger, .threshold = SLOG_INFO, .own_level = true, .facility = SLOG_USER,
};
struct slog_logger slog_default_logger = {.level = SLOG_INFO, .state = &default_state};

static struct slog_gate gate;
static _Atomic bool bound_levels_changed;
static _Atomic int backtrace_level = SLOG_OFF;
static struct slog_logger *bound_loggers;
static char levels_texts[2][SLOG_LEVELS_MAX + 1]; /* the last slog_set_levels(), and room for the next */
static const char *levels_text = levels_texts[0]; /* for loggers made later */

/* One "name=level" or "level" of a text of levels. */
struct setting {
	const char *name;
	size_t name_length;
	int level;
};

/* ---- the gate ----------------------------------------------------------------------------------------------------- */

static int load_level(const struct slog_logger *logger)
{
	return __atomic_load_n(&logger->level, __ATOMIC_SEQ_CST);
}

static void store_level(struct slog_logger *logger, int level)
{
	__atomic_store_n(&logger->level, level, __ATOMIC_SEQ_CST);
}

/* What the macros look at: also events for the backtrace pass, but not those of a logger that is off. */
static void show_threshold(struct slog_logger *logger)
{
	int level = atomic_load(&logger->state->threshold);
	int held = atomic_load(&backtrace_level);
	store_level(logger, level == SLOG_OFF || level > held ? level : held);
}

/* What the gate guarded when its holder was left behind by a fork: of the links, the ones that lead back may be wrong. */
static void repair(void)
{
	struct slog_logger **link = &bound_loggers;
	for (; *link != NULL; link = &(*link)->state->next)
		(*link)->state->link = link;
}

static void enter(void)
{
	enum slog_gate_outcome outcome;
	do
		outcome = slog_gate_take(&gate, WAIT_MS);
	while (outcome == SLOG_GATE_BUSY);
	if (outcome == SLOG_GATE_INHERITED)
		repair();
}

/* Does what was left to do for whoever found the gate closed, also while it was about to open. */
static void leave(void)
{
	for (;;) {
		while (atomic_exchange(&bound_levels_changed, false))
			for (struct slog_logger *bound = bound_loggers; bound != NULL; bound = bound->state->next)
				store_level(bound, load_level(bound->state->named));
		slog_gate_leave(&gate);
		if (!atomic_load(&bound_levels_changed))
			return;
		enum slog_gate_outcome outcome = slog_gate_take(&gate, 0);
		if (outcome == SLOG_GATE_BUSY)
			return;
		if (outcome == SLOG_GATE_INHERITED)
			repair();
	}
}

/* ---- levels ------------------------------------------------------------------------------------------------------- */

/* The next named logger, of a list that only grows. */
static struct slog_logger *next_named(const struct slog_logger *logger)
{
	return __atomic_load_n(&logger->state->next, __ATOMIC_SEQ_CST);
}

static void set_named_level(struct slog_logger *logger, int level)
{
	atomic_store(&logger->state->own_level, true);
	atomic_store(&logger->state->threshold, level);
	show_threshold(logger);
	if (logger != &slog_default_logger)
		return;
	for (struct slog_logger *other = next_named(logger); other != NULL; other = next_named(other))
		if (!atomic_load(&other->state->own_level)) {
			atomic_store(&other->state->threshold, level);
			show_threshold(other);
		}
}

/* Brings bound loggers up to date, or leaves it to whoever holds the gate. */
static void tell_bound(void)
{
	atomic_store(&bound_levels_changed, true);
	enum slog_gate_outcome outcome = slog_gate_take(&gate, 0);
	if (outcome == SLOG_GATE_BUSY)
		return;
	if (outcome == SLOG_GATE_INHERITED)
		repair();
	leave();
}

void slog_set_level(struct slog_logger *logger, int level)
{
	assert(level >= SLOG_OFF && level <= SLOG_TRACE);
	set_named_level(logger->state->named, level);
	tell_bound();
}

void slog_registry_set_backtrace(int level)
{
	atomic_store(&backtrace_level, level);
	for (struct slog_logger *logger = &slog_default_logger; logger != NULL; logger = next_named(logger))
		show_threshold(logger);
	tell_bound();
}

/* Reads the setting at *text and moves behind it and its comma. False if it is none. */
static bool next_setting(const char **text, struct setting *setting)
{
	size_t length = strcspn(*text, ",");
	const char *equals = memchr(*text, '=', length);
	const char *level = equals != NULL ? equals + 1 : *text;
	setting->name = *text;
	setting->name_length = equals != NULL ? (size_t)(equals - *text) : 0;
	if (memchr(setting->name, ';', setting->name_length) != NULL)
		return false;
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
	enter();
	char *room = levels_texts[levels_text == levels_texts[0] ? 1 : 0];
	memcpy(room, levels, strlen(levels) + 1);
	levels_text = room;
	for (const char *at = levels_text; *at != '\0';) {
		next_setting(&at, &setting);
		for (struct slog_logger *logger = &slog_default_logger; logger != NULL; logger = next_named(logger))
			if (is_setting_of(&setting, logger))
				set_named_level(logger, setting.level);
	}
	atomic_store(&bound_levels_changed, true);
	leave();
	return true;
}

/* A new logger's level, if one was given for its name: the last one. */
static void start_level(struct slog_logger *logger)
{
	struct setting setting;
	for (const char *at = levels_text; *at != '\0' && next_setting(&at, &setting);)
		if (is_setting_of(&setting, logger)) {
			atomic_store(&logger->state->threshold, setting.level);
			atomic_store(&logger->state->own_level, true);
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
	pair->state.next = next_named(&slog_default_logger);
	__atomic_store_n(&slog_default_logger.state->next, &pair->logger, __ATOMIC_SEQ_CST);
	/* Whoever set the default level before it could see this logger has done so by now. */
	if (!atomic_load(&pair->state.own_level))
		atomic_store(&pair->state.threshold, atomic_load(&slog_default_logger.state->threshold));
	show_threshold(&pair->logger);
	return &pair->logger;
}

struct slog_logger *slog_logger_named(const char *name)
{
	enter();
	struct slog_logger *found = &slog_default_logger;
	while (found != NULL && strncmp(found->state->name, name, SLOG_LOGGER_NAME_MAX) != 0)
		found = next_named(found);
	if (found == NULL)
		found = make_named(name);
	leave();
	return found;
}

void slog_registry_add_bound(struct slog_logger *logger)
{
	enter();
	logger->state->next = bound_loggers;
	logger->state->link = &bound_loggers;
	if (bound_loggers != NULL)
		bound_loggers->state->link = &logger->state->next;
	bound_loggers = logger;
	/* Whoever set the level before it could see this logger has done so by now. */
	store_level(logger, load_level(logger->state->named));
	leave();
}

void slog_registry_remove_bound(struct slog_logger *logger)
{
	enter();
	*logger->state->link = logger->state->next;
	if (logger->state->next != NULL)
		logger->state->next->state->link = logger->state->link;
	leave();
}

/* The environment's levels hold from the first call on, without slog_open(). A wrong text is ignored. */
static __attribute__((constructor)) void read_environment(void)
{
	const char *levels = secure_getenv("SLOG");
	if (levels != NULL)
		slog_set_levels(levels);
}
