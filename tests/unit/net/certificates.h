/* SPDX-License-Identifier: Apache-2.0 */
/* Real certificates for tests: made with libcrypto, written as PEM files into a directory of the test's own. */
#ifndef TESTS_UNIT_NET_CERTIFICATES_H
#define TESTS_UNIT_NET_CERTIFICATES_H

#include <check.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { CERTIFICATE_PATH_BYTES = 128 };

struct certificate {
	X509 *x509;
	EVP_PKEY *key;
	char path[CERTIFICATE_PATH_BYTES];
	char key_path[CERTIFICATE_PATH_BYTES];
	char sha256[7 + 32 * 3 + 1]; /* "sha-256:AB:..." */
};

struct certificate_options {
	const char *file;                 /* name without directory and ending */
	const char *common_name;          /* NULL: none */
	const char *san;                  /* "DNS:a.example.net,IP:192.0.2.1", or NULL */
	const char *usage;                /* extendedKeyUsage, or NULL */
	const struct certificate *issuer; /* NULL: self-signed */
	int is_ca;
	long from_seconds, until_seconds; /* from now; 0 and 0: a day either way */
};

/* The directory; made on first use. */
static inline const char *certificates_directory(void)
{
	static char path[64];
	if (path[0] == '\0') {
		const char *base = getenv("TMPDIR");
		snprintf(path, sizeof(path), "%.40s/relayd-net-XXXXXX", base != NULL ? base : "/tmp");
		ck_assert_ptr_nonnull(mkdtemp(path));
	}
	return path;
}

static inline void certificate_extend(X509 *x509, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX context;
	X509V3_set_ctx(&context, issuer, x509, NULL, NULL, 0);
	X509_EXTENSION *extension = X509V3_EXT_nconf_nid(NULL, &context, nid, value);
	ck_assert_msg(extension != NULL, "extension %s", value);
	ck_assert_int_eq(X509_add_ext(x509, extension, -1), 1);
	X509_EXTENSION_free(extension);
}

static inline void certificate_write(struct certificate *certificate, const char *file)
{
	snprintf(certificate->path, sizeof(certificate->path), "%s/%s.pem", certificates_directory(), file);
	snprintf(certificate->key_path, sizeof(certificate->key_path), "%s/%s.key", certificates_directory(), file);
	FILE *out = fopen(certificate->path, "w");
	ck_assert_int_eq(PEM_write_X509(out, certificate->x509), 1);
	fclose(out);
	out = fopen(certificate->key_path, "w");
	ck_assert_int_eq(PEM_write_PrivateKey(out, certificate->key, NULL, NULL, 0, NULL, NULL), 1);
	fclose(out);
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned len;
	X509_digest(certificate->x509, EVP_sha256(), digest, &len);
	int at = snprintf(certificate->sha256, sizeof(certificate->sha256), "sha-256");
	for (unsigned i = 0; i < len; i++)
		at += snprintf(certificate->sha256 + at, sizeof(certificate->sha256) - (size_t)at, ":%02X", digest[i]);
}

static inline struct certificate certificate_make(const struct certificate_options *options)
{
	static long serial = 1;
	struct certificate made = {.x509 = X509_new(), .key = EVP_EC_gen("P-256")};
	const struct certificate *issuer = options->issuer != NULL ? options->issuer : &made;
	X509_NAME *name = X509_get_subject_name(made.x509);
	long from = options->from_seconds, until = options->until_seconds;
	if (from == 0 && until == 0) {
		from = -86400;
		until = 86400;
	}
	X509_set_version(made.x509, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(made.x509), serial++);
	X509_gmtime_adj(X509_getm_notBefore(made.x509), from);
	X509_gmtime_adj(X509_getm_notAfter(made.x509), until);
	X509_set_pubkey(made.x509, made.key);
	if (options->common_name != NULL)
		X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)options->common_name, -1, -1, 0);
	X509_set_issuer_name(made.x509, X509_get_subject_name(issuer->x509));
	certificate_extend(made.x509, issuer->x509, NID_basic_constraints,
					   options->is_ca ? "critical,CA:TRUE" : "CA:FALSE");
	if (options->san != NULL)
		certificate_extend(made.x509, issuer->x509, NID_subject_alt_name, options->san);
	if (options->usage != NULL)
		certificate_extend(made.x509, issuer->x509, NID_ext_key_usage, options->usage);
	ck_assert_int_gt(X509_sign(made.x509, issuer->key, EVP_sha256()), 0);
	certificate_write(&made, options->file);
	return made;
}

/* Removes its files too. */
static inline void certificate_free(struct certificate *certificate)
{
	X509_free(certificate->x509);
	EVP_PKEY_free(certificate->key);
	unlink(certificate->path);
	unlink(certificate->key_path);
}

#endif
