/* SPDX-License-Identifier: Apache-2.0 */
/* The section "tls" of an input: its rows, and a context made from it that can be exchanged while connections use it. */
#ifndef RELAYD_INPUT_INPUT_TLS_H
#define RELAYD_INPUT_INPUT_TLS_H

#include <pthread.h>

#include "base/option.h"
#include "net/tls_context.h"

/* A section: begins with `present`, as option.h asks. */
struct input_tls {
	bool present;
	char *certificate;
	char *key;
	char *ca;
	struct option_list peers;
	bool allow_anonymous_peers;
	char *ciphers;
	unsigned min_version; /* index into its choices */
};

extern const struct option input_tls_options[];

/* Checks what single rows cannot: that somebody is asked for and that there is something to ask them with. */
bool input_tls_check(const struct input_tls *settings, char *error);

/* The context in use. Connections on other threads take it while the main thread exchanges it. */
struct tls_holder {
	bool is_open;
	pthread_mutex_t lock;        /* of `context` */
	struct tls_context *context;
};

/* Reads the files. False and a sentence in `error` (INPUT_ERROR_MAX_BYTES). An all-zero holder is closed. */
bool tls_holder_open(struct tls_holder *holder, const struct input_tls *settings, char *error);
void tls_holder_close(struct tls_holder *holder);

/* Reads the files again; connections from now on get the new context. On failure the old one stays. */
bool tls_holder_reload(struct tls_holder *holder, const struct input_tls *settings, char *error);

/* The context, held for the caller, who releases it. NULL if none was opened. From any thread. */
struct tls_context *tls_holder_take(struct tls_holder *holder);

#endif
