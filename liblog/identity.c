/* SPDX-License-Identifier: Apache-2.0 */
/* See identity.h. */
#include "identity.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <liblog/rfc5424.h>

static char hostname[SLOG_HOSTNAME_MAX + 1];
static char app_name[SLOG_APP_NAME_MAX + 1];
_Atomic uint32_t slog_identity_names = 1;
static _Atomic uint64_t known_pid; /* generation of the process, pid */
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void copy(char *to, size_t size, const char *from)
{
	size_t length = strnlen(from, size - 1);
	memcpy(to, from, length);
	to[length] = '\0';
}

static void set_hostname(void)
{
	if (gethostname(hostname, sizeof hostname) != 0)
		hostname[0] = '\0';
	hostname[sizeof hostname - 1] = '\0';
}

static void start(void)
{
	set_hostname();
	copy(app_name, sizeof app_name, program_invocation_short_name);
}

/* Before any signal handler needs it. */
static __attribute__((constructor)) void start_early(void)
{
	pthread_once(&once, start);
}

const char *slog_identity_hostname(void)
{
	pthread_once(&once, start);
	return hostname;
}

const char *slog_identity_app_name(void)
{
	pthread_once(&once, start);
	return app_name;
}

long slog_identity_pid(void)
{
	uint32_t generation = slog_generation();
	uint64_t known = atomic_load_explicit(&known_pid, memory_order_relaxed);
	if (known >> 32 != generation) {
		known = (uint64_t)generation << 32 | (uint32_t)getpid();
		atomic_store_explicit(&known_pid, known, memory_order_relaxed);
	}
	return (long)(uint32_t)known;
}

void slog_identity_set(const char *new_hostname, const char *new_app_name)
{
	pthread_once(&once, start);
	if (new_hostname != NULL)
		copy(hostname, sizeof hostname, new_hostname);
	else
		set_hostname();
	atomic_fetch_add_explicit(&slog_identity_names, 1, memory_order_relaxed);
	copy(app_name, sizeof app_name, new_app_name != NULL ? new_app_name : program_invocation_short_name);
}
