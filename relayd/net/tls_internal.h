/* SPDX-License-Identifier: Apache-2.0 */
/* The TLS context's struct, for the files that make it and use it. */
#ifndef RELAYD_NET_TLS_INTERNAL_H
#define RELAYD_NET_TLS_INTERNAL_H

#include "net/tls_verify.h"

#include <stdatomic.h>

struct tls_context {
	atomic_uint holders; /* freed with the last */
	SSL_CTX *ssl_context;
	struct tls_policy policy;
};

#endif
