/* SPDX-License-Identifier: Apache-2.0 */
/* Endpoints, addresses and networks: what is read, what is written, and the sentences for what is wrong. */
#include "net/address.h"

#include <arpa/inet.h>
#include <check.h>
#include <net/if.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct endpoint read_endpoint(const char *text, uint16_t default_port)
{
	struct endpoint endpoint;
	char error[ADDRESS_ERROR_MAX_BYTES] = "";
	ck_assert_msg(endpoint_read(text, default_port, &endpoint, error), "%s", error);
	return endpoint;
}

/* The endpoint's numeric address, written out again. */
static const char *round_trip(const char *text)
{
	static char out[ADDRESS_TEXT_MAX_BYTES];
	struct endpoint endpoint = read_endpoint(text, 0);
	struct address address;
	ck_assert(address_of_endpoint(&endpoint, &address));
	return address_text(&address, out);
}

START_TEST(an_endpoint_is_a_host_and_a_port)
{
	struct endpoint endpoint = read_endpoint("log1.example.net:2514", 0);
	ck_assert_str_eq(endpoint.host, "log1.example.net");
	ck_assert_uint_eq(endpoint.port, 2514);
	ck_assert(!endpoint.is_local);
	endpoint = read_endpoint("[2001:db8::1]:514", 0);
	ck_assert_str_eq(endpoint.host, "2001:db8::1");
	ck_assert_uint_eq(endpoint.port, 514);
	endpoint = read_endpoint("[fe80::1%eth0]:514", 0);
	ck_assert_str_eq(endpoint.host, "fe80::1%eth0");
}
END_TEST

START_TEST(a_star_or_nothing_is_every_address)
{
	ck_assert_str_eq(read_endpoint("*:514", 0).host, "");
	ck_assert_str_eq(read_endpoint(":514", 0).host, "");
	ck_assert_str_eq(round_trip("*:514"), "[::]:514");
	ck_assert_str_eq(round_trip("0.0.0.0:514"), "0.0.0.0:514");
}
END_TEST

START_TEST(a_missing_port_is_the_default_one)
{
	ck_assert_uint_eq(read_endpoint("log.example.net", 514).port, 514);
	ck_assert_uint_eq(read_endpoint("[::1]", 601).port, 601);
	ck_assert_uint_eq(read_endpoint("[::1]:6514", 601).port, 6514);
}
END_TEST

START_TEST(a_path_is_a_unix_socket)
{
	struct endpoint endpoint = read_endpoint("unix:/run/relayd/log", 0);
	ck_assert(endpoint.is_local);
	ck_assert_str_eq(endpoint.path, "/run/relayd/log");
	ck_assert_str_eq(endpoint.host, "");
	ck_assert_str_eq(round_trip("/dev/log"), "unix:/dev/log");
}
END_TEST

START_TEST(a_wrong_endpoint_is_named_with_what_is_right)
{
	static const struct {
		const char *text;
		const char *error;
	} cases[] = {
		{"", "\"\" is empty; write \"host:port\", \"[::]:514\" or \"unix:/path\""},
		{"log.example.net", "\"log.example.net\" has no port; write \"host:port\", as in \"log.example.net:514\""},
		{"[::1]", "\"[::1]\" has no port; write \"[2001:db8::1]:514\""},
		{"h:", "\"h:\" has no port from 1 to 65535 behind the colon, as in \"192.0.2.1:514\""},
		{"h:0", "\"h:0\" has no port from 1 to 65535 behind the colon, as in \"192.0.2.1:514\""},
		{"h:65536", "\"h:65536\" has no port from 1 to 65535 behind the colon, as in \"192.0.2.1:514\""},
		{"h:5x", "\"h:5x\" has no port from 1 to 65535 behind the colon, as in \"192.0.2.1:514\""},
		{"h:000514", "\"h:000514\" has no port from 1 to 65535 behind the colon, as in \"192.0.2.1:514\""},
		{"2001:db8::1:514", "\"2001:db8::1:514\" has several colons; an IPv6 address stands in brackets, as in "
							"\"[2001:db8::1]:514\""},
		{"[2001:db8::1", "\"[2001:db8::1\" has \"[\" without \"]\"; write \"[2001:db8::1]:514\""},
		{"[example]:1", "\"[example]:1\" has no IPv6 address between its brackets, as in \"[2001:db8::1]:514\""},
		{"[fe80::1%]:1", "\"[fe80::1%]:1\" has no IPv6 address between its brackets, as in \"[2001:db8::1]:514\""},
		{"[::1]514", "\"[::1]514\" has something else than \":port\" behind \"]\"; write \"[2001:db8::1]:514\""},
		{"tcp://h:514", "\"tcp://h:514\" has several colons; an IPv6 address stands in brackets, as in "
						"\"[2001:db8::1]:514\""},
		{"a b:514", "\"a b:514\" is not a host and port, as in \"log.example.net:514\" or \"[::]:514\""},
		{"unix:run/log", "\"unix:run/log\" needs an absolute path, as in \"unix:/run/relayd/log\""},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct endpoint endpoint;
		char error[ADDRESS_ERROR_MAX_BYTES] = "";
		ck_assert_msg(!endpoint_read(cases[i].text, 0, &endpoint, error), "%s", cases[i].text);
		ck_assert_str_eq(error, cases[i].error);
	}
}
END_TEST

START_TEST(endless_text_is_cut_in_the_sentence)
{
	char text[2000];
	char error[ADDRESS_ERROR_MAX_BYTES];
	struct endpoint endpoint;
	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	ck_assert(!endpoint_read(text, 514, &endpoint, error));
	ck_assert_ptr_nonnull(strstr(error, "x\"... has a host name of more than 254 octets"));
	text[0] = '/';
	ck_assert(!endpoint_read(text, 0, &endpoint, error));
	ck_assert_ptr_nonnull(strstr(error, "\"... is longer than the 107 octets that the path of a Unix socket can have"));
	text[0] = '[';
	ck_assert(!endpoint_read(text, 0, &endpoint, error));
}
END_TEST

START_TEST(a_name_has_no_numeric_address)
{
	struct endpoint endpoint = read_endpoint("log.example.net:514", 0);
	struct address address;
	ck_assert(!address_of_endpoint(&endpoint, &address));
	endpoint = read_endpoint("[fe80::1%nosuchinterface]:514", 0);
	ck_assert(!address_of_endpoint(&endpoint, &address));
}
END_TEST

START_TEST(addresses_are_written_as_they_are_read)
{
	ck_assert_str_eq(round_trip("192.0.2.1:514"), "192.0.2.1:514");
	ck_assert_str_eq(round_trip("[2001:DB8:0::1]:65535"), "[2001:db8::1]:65535");
	ck_assert_str_eq(round_trip("[::ffff:192.0.2.7]:41112"), "192.0.2.7:41112");
	char name[IF_NAMESIZE];
	char text[80];
	ck_assert_ptr_nonnull(if_indextoname(1, name));
	snprintf(text, sizeof(text), "[fe80::1%%%s]:514", name);
	ck_assert_str_eq(round_trip("[fe80::1%1]:514"), text);
	ck_assert_str_eq(round_trip(text), text);
}
END_TEST

START_TEST(unnamed_abstract_and_hostile_local_names_are_written_safely)
{
	char text[ADDRESS_TEXT_MAX_BYTES];
	struct address address = {.len = 0};
	ck_assert_str_eq(address_text(&address, text), "unknown");
	address.sa.local.sun_family = AF_UNIX;
	address.len = sizeof(sa_family_t);
	ck_assert_str_eq(address_text(&address, text), "unix:");
	memcpy(address.sa.local.sun_path, "\0ab\n\x1b", 5);
	address.len = offsetof(struct sockaddr_un, sun_path) + 5;
	ck_assert_str_eq(address_text(&address, text), "unix:@ab??");
	memset(address.sa.local.sun_path, 'p', sizeof(address.sa.local.sun_path));
	address.len = sizeof(struct sockaddr_un);
	ck_assert_uint_eq(strlen(address_text(&address, text)), 5 + 108);
}
END_TEST

START_TEST(octets_of_ipv4_are_mapped)
{
	static const uint8_t mapped[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 7};
	static const uint8_t none[16] = {0};
	static const char *const texts[] = {"192.0.2.7:514", "[::ffff:192.0.2.7]:514"};
	uint8_t octets[16];
	uint16_t port;
	struct address address;
	for (int i = 0; i < 2; i++) {
		struct endpoint endpoint = read_endpoint(texts[i], 0);
		ck_assert(address_of_endpoint(&endpoint, &address));
		address_octets(&address, octets, &port);
		ck_assert_mem_eq(octets, mapped, 16);
		ck_assert_uint_eq(port, 514);
	}
	struct endpoint local = read_endpoint("/dev/log", 0);
	ck_assert(address_of_endpoint(&local, &address));
	address_octets(&address, octets, &port);
	ck_assert_mem_eq(octets, none, 16);
	ck_assert_uint_eq(port, 0);
}
END_TEST

static bool contains(const char *network_text, const char *address)
{
	struct network network;
	char error[ADDRESS_ERROR_MAX_BYTES];
	ck_assert_msg(network_read(network_text, &network, error), "%s", error);
	struct network one;
	ck_assert_msg(network_read(address, &one, error), "%s", error);
	return network_contains(&network, one.octets);
}

START_TEST(a_network_contains_its_addresses_only)
{
	ck_assert(contains("10.0.0.0/8", "10.255.1.2"));
	ck_assert(!contains("10.0.0.0/8", "11.0.0.1"));
	ck_assert(contains("10.1.2.3/8", "10.9.9.9"));
	ck_assert(contains("192.0.2.128/25", "192.0.2.200"));
	ck_assert(!contains("192.0.2.128/25", "192.0.2.127"));
	ck_assert(contains("192.0.2.1", "192.0.2.1"));
	ck_assert(!contains("192.0.2.1", "192.0.2.2"));
	ck_assert(contains("0.0.0.0/0", "203.0.113.5"));
	ck_assert(!contains("0.0.0.0/0", "2001:db8::1"));
	ck_assert(contains("::/0", "203.0.113.5"));
	ck_assert(contains("2001:db8::/33", "2001:db8:7fff::1"));
	ck_assert(!contains("2001:db8::/33", "2001:db8:8000::1"));
}
END_TEST

START_TEST(a_wrong_network_is_named_with_what_is_right)
{
	static const struct {
		const char *text;
		const char *error;
	} cases[] = {
		{"", "\"\" is not a network; write \"10.0.0.0/8\", \"2001:db8::/32\" or one address"},
		{"example.net", "\"example.net\" is not a network; write \"10.0.0.0/8\", \"2001:db8::/32\" or one address"},
		{"10.0.0.0/33", "\"10.0.0.0/33\" needs a prefix length from 0 to 32, as in \"10.0.0.0/8\""},
		{"10.0.0.0/", "\"10.0.0.0/\" needs a prefix length from 0 to 32, as in \"10.0.0.0/8\""},
		{"10.0.0.0/255.0.0.0", "\"10.0.0.0/255.0.0.0\" needs a prefix length from 0 to 32, as in \"10.0.0.0/8\""},
		{"2001:db8::/129", "\"2001:db8::/129\" needs a prefix length from 0 to 128, as in \"2001:db8::/32\""},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct network network;
		char error[ADDRESS_ERROR_MAX_BYTES] = "";
		ck_assert_msg(!network_read(cases[i].text, &network, error), "%s", cases[i].text);
		ck_assert_str_eq(error, cases[i].error);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("net/address");
	TCase *tests = tcase_create("address");
	tcase_add_test(tests, an_endpoint_is_a_host_and_a_port);
	tcase_add_test(tests, a_star_or_nothing_is_every_address);
	tcase_add_test(tests, a_missing_port_is_the_default_one);
	tcase_add_test(tests, a_path_is_a_unix_socket);
	tcase_add_test(tests, a_wrong_endpoint_is_named_with_what_is_right);
	tcase_add_test(tests, endless_text_is_cut_in_the_sentence);
	tcase_add_test(tests, a_name_has_no_numeric_address);
	tcase_add_test(tests, addresses_are_written_as_they_are_read);
	tcase_add_test(tests, unnamed_abstract_and_hostile_local_names_are_written_safely);
	tcase_add_test(tests, octets_of_ipv4_are_mapped);
	tcase_add_test(tests, a_network_contains_its_addresses_only);
	tcase_add_test(tests, a_wrong_network_is_named_with_what_is_right);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
