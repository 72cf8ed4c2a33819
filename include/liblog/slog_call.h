/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How the calls of slog.h become code. Include slog.h, not this.
 *
 * A call site is one static const descriptor, which holds the event's name and all keys as one text, and the type of
 * each value; and one function call, with the values as ordinary arguments. The descriptor holds no pointer, so it
 * needs no relocation, and no state, so the macros work in C's inline functions. C++ passes an array of slog_value
 * instead of variable arguments.
 *
 * Counting reaches SLOG_PAIRS_MAX pairs and knows an error up to 128 arguments: the undeclared names that begin with
 * slog_ERROR_ are the compiler's message to the programmer.
 */
#ifndef LIBLOG_SLOG_CALL_H
#define LIBLOG_SLOG_CALL_H

#include <liblog/slog.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SLOG_SITE_VERSION 1

/* The start of a descriptor. `size` octets after its start come pairs + 1 names, then their text without separators. */
struct slog_site {
	uint8_t version;
	uint8_t size;
	uint8_t severity; /* enum slog_severity */
	uint8_t pairs;
	uint16_t text; /* octets of the text */
};

/* names[0] is the event's, names[i] the key of pair i - 1. */
struct slog_name {
	uint16_t length; /* octets in the text */
	uint8_t argument; /* enum slog_argument; 0 in names[0] and in C++ */
	uint8_t zero;
};

/* What type of argument slog_emit_1() takes for a pair. Part of the ABI: numbers are only added. */
enum slog_argument {
	SLOG_ARGUMENT_NONE_,
	SLOG_ARGUMENT_BOOL_,
	SLOG_ARGUMENT_INT_,
	SLOG_ARGUMENT_UINT_,
	SLOG_ARGUMENT_LONG_,
	SLOG_ARGUMENT_ULONG_,
	SLOG_ARGUMENT_LLONG_,
	SLOG_ARGUMENT_ULLONG_,
	SLOG_ARGUMENT_FLOAT_,
	SLOG_ARGUMENT_DOUBLE_,
	SLOG_ARGUMENT_STRING_,
	SLOG_ARGUMENT_POINTER_,
	SLOG_ARGUMENT_VALUE_
};

/* One event from a call site in C: the values follow, as the descriptor says. */
void slog_emit_1(struct slog_logger *logger, const struct slog_site *site, ...);

/* The same from C++: values[0 .. pairs). */
void slog_emit_values_1(struct slog_logger *logger, const struct slog_site *site, const struct slog_value *values);

/* The same for slog_crash(). */
void slog_crash_1(struct slog_logger *logger, const struct slog_site *site, ...);
void slog_crash_values_1(struct slog_logger *logger, const struct slog_site *site, const struct slog_value *values);

/* What one slog_limited() knows. All zero at first; frozen. */
struct slog_limit {
	uint64_t second; /* of a clock that never goes back, in the upper 32 bits; events in it */
	uint64_t held_back;
	int64_t since;   /* seconds since the epoch of the first of these */
};

/* True if an event may be written now; says before it what was held back. */
bool slog_limit_passes_1(struct slog_limit *limit, struct slog_logger *logger, int severity, const char *event,
	unsigned per_second);

#ifdef __cplusplus
}
#endif

/* ---- counting: 1 + 2 * n arguments give n; 2 * n give ODD_; more than SLOG_PAIRS_MAX pairs give MANY_ ------------ */

#define SLOG_PASTE_(a, b) SLOG_PASTE_2_(a, b)
#define SLOG_PASTE_2_(a, b) a##b
#define SLOG_FIRST_(...) SLOG_FIRST_2_(__VA_ARGS__, 0)
#define SLOG_FIRST_2_(a, ...) a
#define SLOG_PICK_( \
	a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15, a16, \
	a17, a18, a19, a20, a21, a22, a23, a24, a25, a26, a27, a28, a29, a30, a31, a32, \
	a33, a34, a35, a36, a37, a38, a39, a40, a41, a42, a43, a44, a45, a46, a47, a48, \
	a49, a50, a51, a52, a53, a54, a55, a56, a57, a58, a59, a60, a61, a62, a63, a64, \
	a65, a66, a67, a68, a69, a70, a71, a72, a73, a74, a75, a76, a77, a78, a79, a80, \
	a81, a82, a83, a84, a85, a86, a87, a88, a89, a90, a91, a92, a93, a94, a95, a96, \
	a97, a98, a99, a100, a101, a102, a103, a104, a105, a106, a107, a108, a109, a110, a111, a112, \
	a113, a114, a115, a116, a117, a118, a119, a120, a121, a122, a123, a124, a125, a126, a127, a128, picked, ...) picked
#define SLOG_COUNT_(...) SLOG_PICK_(__VA_ARGS__, \
	MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, \
	MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, \
	MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, \
	MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, 32, \
	ODD_, 31, ODD_, 30, ODD_, 29, ODD_, 28, ODD_, 27, ODD_, 26, ODD_, 25, ODD_, 24, \
	ODD_, 23, ODD_, 22, ODD_, 21, ODD_, 20, ODD_, 19, ODD_, 18, ODD_, 17, ODD_, 16, \
	ODD_, 15, ODD_, 14, ODD_, 13, ODD_, 12, ODD_, 11, ODD_, 10, ODD_, 9, ODD_, 8, \
	ODD_, 7, ODD_, 6, ODD_, 5, ODD_, 4, ODD_, 3, ODD_, 2, ODD_, 1, ODD_, 0, \
	0)
#define SLOG_COUNT_ITEMS_(...) SLOG_PICK_(__VA_ARGS__, \
	MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, \
	MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, \
	MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, \
	MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, \
	MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, \
	MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, \
	MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, MANY_, \
	16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, \
	0)

/* ---- SLOG_PAIRS_n_(do, event, key, value, ...): do(key, value) for each of n pairs ------------------------------- */

#define SLOG_PAIRS_0_(do_, e)
#define SLOG_PAIRS_1_(do_, e, k, v) do_(k, v)
#define SLOG_PAIRS_2_(do_, e, k, v, ...) do_(k, v) SLOG_PAIRS_1_(do_, e, __VA_ARGS__)
#define SLOG_PAIRS_3_(do_, e, k, v, ...) do_(k, v) SLOG_PAIRS_2_(do_, e, __VA_ARGS__)
#define SLOG_PAIRS_4_(do_, e, k, v, ...) do_(k, v) SLOG_PAIRS_3_(do_, e, __VA_ARGS__)
#define SLOG_PAIRS_5_(do_, e, k, v, ...) do_(k, v) SLOG_PAIRS_4_(do_, e, __VA_ARGS__)
#define SLOG_PAIRS_6_(do_, e, k, v, ...) do_(k, v) SLOG_PAIRS_5_(do_, e, __VA_ARGS__)
#define SLOG_PAIRS_7_(do_, e, k, v, ...) do_(k, v) SLOG_PAIRS_6_(do_, e, __VA_ARGS__)
#define SLOG_PAIRS_8_(do_, e, k, v, ...) do_(k, v) SLOG_PAIRS_7_(do_, e, __VA_ARGS__)
#define SLOG_PAIRS_9_(do_, e, k, v, ...) do_(k, v) SLOG_PAIRS_8_(do_, e, __VA_ARGS__)
#define SLOG_PAIRS_10_(do_, e, k, v, ...) do_(k, v) SLOG_PAIRS_9_(do_, e, __VA_ARGS__)
#define SLOG_PAIRS_11_(do_, e, k, v, ...) do_(k, v) SLOG_PAIRS_10_(do_, e, __VA_ARGS__)
#define SLOG_PAIRS_12_(do_, e, k, v, ...) do_(k, v) SLOG_PAIRS_11_(do_, e, __VA_ARGS__)
#define SLOG_PAIRS_13_(do_, e, k, v, ...) do_(k, v) SLOG_PAIRS_12_(do_, e, __VA_ARGS__)
#define SLOG_PAIRS_14_(do_, e, k, v, ...) do_(k, v) SLOG_PAIRS_13_(do_, e, __VA_ARGS__)
#define SLOG_PAIRS_15_(do_, e, k, v, ...) do_(k, v) SLOG_PAIRS_14_(do_, e, __VA_ARGS__)
#define SLOG_PAIRS_16_(do_, e, k, v, ...) do_(k, v) SLOG_PAIRS_15_(do_, e, __VA_ARGS__)
#define SLOG_PAIRS_17_(do_, e, k, v, ...) do_(k, v) SLOG_PAIRS_16_(do_, e, __VA_ARGS__)
#define SLOG_PAIRS_18_(do_, e, k, v, ...) do_(k, v) SLOG_PAIRS_17_(do_, e, __VA_ARGS__)
#define SLOG_PAIRS_19_(do_, e, k, v, ...) do_(k, v) SLOG_PAIRS_18_(do_, e, __VA_ARGS__)
#define SLOG_PAIRS_20_(do_, e, k, v, ...) do_(k, v) SLOG_PAIRS_19_(do_, e, __VA_ARGS__)
#define SLOG_PAIRS_21_(do_, e, k, v, ...) do_(k, v) SLOG_PAIRS_20_(do_, e, __VA_ARGS__)
#define SLOG_PAIRS_22_(do_, e, k, v, ...) do_(k, v) SLOG_PAIRS_21_(do_, e, __VA_ARGS__)
#define SLOG_PAIRS_23_(do_, e, k, v, ...) do_(k, v) SLOG_PAIRS_22_(do_, e, __VA_ARGS__)
#define SLOG_PAIRS_24_(do_, e, k, v, ...) do_(k, v) SLOG_PAIRS_23_(do_, e, __VA_ARGS__)
#define SLOG_PAIRS_25_(do_, e, k, v, ...) do_(k, v) SLOG_PAIRS_24_(do_, e, __VA_ARGS__)
#define SLOG_PAIRS_26_(do_, e, k, v, ...) do_(k, v) SLOG_PAIRS_25_(do_, e, __VA_ARGS__)
#define SLOG_PAIRS_27_(do_, e, k, v, ...) do_(k, v) SLOG_PAIRS_26_(do_, e, __VA_ARGS__)
#define SLOG_PAIRS_28_(do_, e, k, v, ...) do_(k, v) SLOG_PAIRS_27_(do_, e, __VA_ARGS__)
#define SLOG_PAIRS_29_(do_, e, k, v, ...) do_(k, v) SLOG_PAIRS_28_(do_, e, __VA_ARGS__)
#define SLOG_PAIRS_30_(do_, e, k, v, ...) do_(k, v) SLOG_PAIRS_29_(do_, e, __VA_ARGS__)
#define SLOG_PAIRS_31_(do_, e, k, v, ...) do_(k, v) SLOG_PAIRS_30_(do_, e, __VA_ARGS__)
#define SLOG_PAIRS_32_(do_, e, k, v, ...) do_(k, v) SLOG_PAIRS_31_(do_, e, __VA_ARGS__)

/* SLOG_ITEMS_n_(do, value, ...): do(value) for each of n values. */
#define SLOG_ITEMS_1_(do_, v) do_(v)
#define SLOG_ITEMS_2_(do_, v, ...) do_(v) SLOG_ITEMS_1_(do_, __VA_ARGS__)
#define SLOG_ITEMS_3_(do_, v, ...) do_(v) SLOG_ITEMS_2_(do_, __VA_ARGS__)
#define SLOG_ITEMS_4_(do_, v, ...) do_(v) SLOG_ITEMS_3_(do_, __VA_ARGS__)
#define SLOG_ITEMS_5_(do_, v, ...) do_(v) SLOG_ITEMS_4_(do_, __VA_ARGS__)
#define SLOG_ITEMS_6_(do_, v, ...) do_(v) SLOG_ITEMS_5_(do_, __VA_ARGS__)
#define SLOG_ITEMS_7_(do_, v, ...) do_(v) SLOG_ITEMS_6_(do_, __VA_ARGS__)
#define SLOG_ITEMS_8_(do_, v, ...) do_(v) SLOG_ITEMS_7_(do_, __VA_ARGS__)
#define SLOG_ITEMS_9_(do_, v, ...) do_(v) SLOG_ITEMS_8_(do_, __VA_ARGS__)
#define SLOG_ITEMS_10_(do_, v, ...) do_(v) SLOG_ITEMS_9_(do_, __VA_ARGS__)
#define SLOG_ITEMS_11_(do_, v, ...) do_(v) SLOG_ITEMS_10_(do_, __VA_ARGS__)
#define SLOG_ITEMS_12_(do_, v, ...) do_(v) SLOG_ITEMS_11_(do_, __VA_ARGS__)
#define SLOG_ITEMS_13_(do_, v, ...) do_(v) SLOG_ITEMS_12_(do_, __VA_ARGS__)
#define SLOG_ITEMS_14_(do_, v, ...) do_(v) SLOG_ITEMS_13_(do_, __VA_ARGS__)
#define SLOG_ITEMS_15_(do_, v, ...) do_(v) SLOG_ITEMS_14_(do_, __VA_ARGS__)
#define SLOG_ITEMS_16_(do_, v, ...) do_(v) SLOG_ITEMS_15_(do_, __VA_ARGS__)

/* ---- one call ---------------------------------------------------------------------------------------------------- */

#ifdef SLOG_SOURCE_LOCATION
#define SLOG_LOCATION_ , "code_file", __FILE__, "code_line", __LINE__, "code_func", __func__
#else
#define SLOG_LOCATION_
#endif

#define SLOG_TEXT_OF_(k, v) "" k ""

#ifndef __cplusplus

#define SLOG_STATIC_ASSERT_ _Static_assert
#define SLOG_ARGUMENT_OF_(v) \
	_Generic((v), \
		_Bool: SLOG_ARGUMENT_BOOL_, \
		signed char: SLOG_ARGUMENT_INT_, \
		unsigned char: SLOG_ARGUMENT_INT_, \
		short: SLOG_ARGUMENT_INT_, \
		unsigned short: SLOG_ARGUMENT_INT_, \
		int: SLOG_ARGUMENT_INT_, \
		unsigned int: SLOG_ARGUMENT_UINT_, \
		long: SLOG_ARGUMENT_LONG_, \
		unsigned long: SLOG_ARGUMENT_ULONG_, \
		long long: SLOG_ARGUMENT_LLONG_, \
		unsigned long long: SLOG_ARGUMENT_ULLONG_, \
		float: SLOG_ARGUMENT_FLOAT_, \
		double: SLOG_ARGUMENT_DOUBLE_, \
		char *: SLOG_ARGUMENT_STRING_, \
		const char *: SLOG_ARGUMENT_STRING_, \
		signed char *: SLOG_ARGUMENT_STRING_, \
		const signed char *: SLOG_ARGUMENT_STRING_, \
		unsigned char *: SLOG_ARGUMENT_STRING_, \
		const unsigned char *: SLOG_ARGUMENT_STRING_, \
		void *: SLOG_ARGUMENT_POINTER_, \
		const void *: SLOG_ARGUMENT_POINTER_, \
		struct slog_value: SLOG_ARGUMENT_VALUE_)
#define SLOG_NAME_OF_(k, v) {sizeof("" k "") - 1, SLOG_ARGUMENT_OF_(v), 0},
#define SLOG_PASS_(k, v) , (v)
#define SLOG_CRASH_EMIT_(n, ...) slog_crash_1(slog_to_, &slog_site_.site SLOG_PAIRS_##n##_(SLOG_PASS_, __VA_ARGS__))
#define SLOG_EMIT_(n, ...) slog_emit_1(slog_to_, &slog_site_.site SLOG_PAIRS_##n##_(SLOG_PASS_, __VA_ARGS__))

#define SLOG_VALUE_OF_(v) slog_any(v),
#define SLOG_FIELD_OF_(k, v) {"" k "", sizeof("" k "") - 1, slog_any(v)},
#define SLOG_LIST_(n, ...) \
	slog_list_value_((const struct slog_value[]){SLOG_ITEMS_##n##_(SLOG_VALUE_OF_, __VA_ARGS__)}, n)
#define SLOG_GROUP_(n, ...) \
	slog_group_value_((const struct slog_field[]){SLOG_PAIRS_##n##_(SLOG_FIELD_OF_, , __VA_ARGS__)}, n)

#else

#define SLOG_STATIC_ASSERT_ static_assert
#define SLOG_NAME_OF_(k, v) {sizeof("" k "") - 1, SLOG_ARGUMENT_NONE_, 0},
#define SLOG_PASS_(k, v) slog_any(v),
#define SLOG_CRASH_EMIT_(n, ...) \
	slog_crash_values_1(slog_to_, &slog_site_.site, \
		std::initializer_list<slog_value>{SLOG_PAIRS_##n##_(SLOG_PASS_, __VA_ARGS__)}.begin())
#define SLOG_EMIT_(n, ...) \
	slog_emit_values_1(slog_to_, &slog_site_.site, \
		std::initializer_list<slog_value>{SLOG_PAIRS_##n##_(SLOG_PASS_, __VA_ARGS__)}.begin())

#define SLOG_VALUE_OF_(v) slog_any(v),
#define SLOG_FIELD_OF_(k, v) slog_field_("" k "", sizeof("" k "") - 1, slog_any(v)),
#define SLOG_LIST_(n, ...) slog_list_of_({SLOG_ITEMS_##n##_(SLOG_VALUE_OF_, __VA_ARGS__)})
#define SLOG_GROUP_(n, ...) slog_group_of_({SLOG_PAIRS_##n##_(SLOG_FIELD_OF_, , __VA_ARGS__)})

#endif

#define SLOG_SITE_(n, logger, severity_, ...) SLOG_SITE_OF_(SLOG_EMIT_, n, logger, severity_, __VA_ARGS__)
#define SLOG_SITE_OF_(emit_, n, logger, severity_, ...) \
	do { \
		struct slog_logger *slog_to_ = (logger); \
		if (slog_enabled(slog_to_, (severity_))) { \
			SLOG_STATIC_ASSERT_(sizeof("" SLOG_FIRST_(__VA_ARGS__) "") - 1 <= SLOG_EVENT_NAME_MAX, \
				"the name of a log event has at most 32 octets"); \
			static const struct { \
				struct slog_site site; \
				struct slog_name names[n + 1]; \
				char text[sizeof(SLOG_SITE_TEXT_(n, __VA_ARGS__))]; \
			} slog_site_ = {{SLOG_SITE_VERSION, sizeof(struct slog_site), (severity_), n, \
					sizeof(SLOG_SITE_TEXT_(n, __VA_ARGS__)) - 1}, \
				{{sizeof("" SLOG_FIRST_(__VA_ARGS__) "") - 1, SLOG_ARGUMENT_NONE_, 0}, \
				SLOG_PAIRS_##n##_(SLOG_NAME_OF_, __VA_ARGS__)}, \
				SLOG_SITE_TEXT_(n, __VA_ARGS__)}; \
			emit_(n, __VA_ARGS__); \
		} \
	} while (0)
#define SLOG_SITE_TEXT_(n, ...) "" SLOG_FIRST_(__VA_ARGS__) "" SLOG_PAIRS_##n##_(SLOG_TEXT_OF_, __VA_ARGS__)

#define SLOG_CALL_(...) SLOG_CALL_2_(__VA_ARGS__ SLOG_LOCATION_)
#define SLOG_CALL_2_(logger, severity, ...) \
	SLOG_PASTE_(SLOG_CALL_, SLOG_COUNT_(__VA_ARGS__))(logger, severity, __VA_ARGS__)
#define SLOG_CALL_ODD_(...) do { (void)slog_ERROR_key_without_value; } while (0)
#define SLOG_CALL_MANY_(...) do { (void)slog_ERROR_more_than_32_pairs_use_slog_event; } while (0)
#define SLOG_CALL_0(...) SLOG_SITE_(0, __VA_ARGS__)
#define SLOG_CALL_1(...) SLOG_SITE_(1, __VA_ARGS__)
#define SLOG_CALL_2(...) SLOG_SITE_(2, __VA_ARGS__)
#define SLOG_CALL_3(...) SLOG_SITE_(3, __VA_ARGS__)
#define SLOG_CALL_4(...) SLOG_SITE_(4, __VA_ARGS__)
#define SLOG_CALL_5(...) SLOG_SITE_(5, __VA_ARGS__)
#define SLOG_CALL_6(...) SLOG_SITE_(6, __VA_ARGS__)
#define SLOG_CALL_7(...) SLOG_SITE_(7, __VA_ARGS__)
#define SLOG_CALL_8(...) SLOG_SITE_(8, __VA_ARGS__)
#define SLOG_CALL_9(...) SLOG_SITE_(9, __VA_ARGS__)
#define SLOG_CALL_10(...) SLOG_SITE_(10, __VA_ARGS__)
#define SLOG_CALL_11(...) SLOG_SITE_(11, __VA_ARGS__)
#define SLOG_CALL_12(...) SLOG_SITE_(12, __VA_ARGS__)
#define SLOG_CALL_13(...) SLOG_SITE_(13, __VA_ARGS__)
#define SLOG_CALL_14(...) SLOG_SITE_(14, __VA_ARGS__)
#define SLOG_CALL_15(...) SLOG_SITE_(15, __VA_ARGS__)
#define SLOG_CALL_16(...) SLOG_SITE_(16, __VA_ARGS__)
#define SLOG_CALL_17(...) SLOG_SITE_(17, __VA_ARGS__)
#define SLOG_CALL_18(...) SLOG_SITE_(18, __VA_ARGS__)
#define SLOG_CALL_19(...) SLOG_SITE_(19, __VA_ARGS__)
#define SLOG_CALL_20(...) SLOG_SITE_(20, __VA_ARGS__)
#define SLOG_CALL_21(...) SLOG_SITE_(21, __VA_ARGS__)
#define SLOG_CALL_22(...) SLOG_SITE_(22, __VA_ARGS__)
#define SLOG_CALL_23(...) SLOG_SITE_(23, __VA_ARGS__)
#define SLOG_CALL_24(...) SLOG_SITE_(24, __VA_ARGS__)
#define SLOG_CALL_25(...) SLOG_SITE_(25, __VA_ARGS__)
#define SLOG_CALL_26(...) SLOG_SITE_(26, __VA_ARGS__)
#define SLOG_CALL_27(...) SLOG_SITE_(27, __VA_ARGS__)
#define SLOG_CALL_28(...) SLOG_SITE_(28, __VA_ARGS__)
#define SLOG_CALL_29(...) SLOG_SITE_(29, __VA_ARGS__)
#define SLOG_CALL_30(...) SLOG_SITE_(30, __VA_ARGS__)
#define SLOG_CALL_31(...) SLOG_SITE_(31, __VA_ARGS__)
#define SLOG_CALL_32(...) SLOG_SITE_(32, __VA_ARGS__)

#define SLOG_LIMITED_(logger, per_second, severity, ...) \
	do { \
		static struct slog_limit slog_limit_; \
		struct slog_logger *slog_limited_ = (logger); \
		if (slog_enabled(slog_limited_, (severity)) && \
		    slog_limit_passes_1(&slog_limit_, slog_limited_, (severity), "" SLOG_FIRST_(__VA_ARGS__) "", (per_second))) \
			SLOG_CALL_(slog_limited_, (severity), __VA_ARGS__); \
	} while (0)

#define SLOG_CRASH_CALL_(...) SLOG_PASTE_(SLOG_CRASH_, SLOG_COUNT_(__VA_ARGS__))(__VA_ARGS__)
#define SLOG_CRASH_ODD_(...) do { (void)slog_ERROR_key_without_value; } while (0)
#define SLOG_CRASH_MANY_(...) do { (void)slog_ERROR_more_than_32_pairs_use_slog_event; } while (0)
#define SLOG_CRASH_0(...) SLOG_SITE_OF_(SLOG_CRASH_EMIT_, 0, SLOG_LOGGER, SLOG_CRIT, __VA_ARGS__)
#define SLOG_CRASH_1(...) SLOG_SITE_OF_(SLOG_CRASH_EMIT_, 1, SLOG_LOGGER, SLOG_CRIT, __VA_ARGS__)
#define SLOG_CRASH_2(...) SLOG_SITE_OF_(SLOG_CRASH_EMIT_, 2, SLOG_LOGGER, SLOG_CRIT, __VA_ARGS__)
#define SLOG_CRASH_3(...) SLOG_SITE_OF_(SLOG_CRASH_EMIT_, 3, SLOG_LOGGER, SLOG_CRIT, __VA_ARGS__)
#define SLOG_CRASH_4(...) SLOG_SITE_OF_(SLOG_CRASH_EMIT_, 4, SLOG_LOGGER, SLOG_CRIT, __VA_ARGS__)
#define SLOG_CRASH_5(...) SLOG_SITE_OF_(SLOG_CRASH_EMIT_, 5, SLOG_LOGGER, SLOG_CRIT, __VA_ARGS__)
#define SLOG_CRASH_6(...) SLOG_SITE_OF_(SLOG_CRASH_EMIT_, 6, SLOG_LOGGER, SLOG_CRIT, __VA_ARGS__)
#define SLOG_CRASH_7(...) SLOG_SITE_OF_(SLOG_CRASH_EMIT_, 7, SLOG_LOGGER, SLOG_CRIT, __VA_ARGS__)
#define SLOG_CRASH_8(...) SLOG_SITE_OF_(SLOG_CRASH_EMIT_, 8, SLOG_LOGGER, SLOG_CRIT, __VA_ARGS__)
#define SLOG_CRASH_9(...) SLOG_SITE_OF_(SLOG_CRASH_EMIT_, 9, SLOG_LOGGER, SLOG_CRIT, __VA_ARGS__)
#define SLOG_CRASH_10(...) SLOG_SITE_OF_(SLOG_CRASH_EMIT_, 10, SLOG_LOGGER, SLOG_CRIT, __VA_ARGS__)
#define SLOG_CRASH_11(...) SLOG_SITE_OF_(SLOG_CRASH_EMIT_, 11, SLOG_LOGGER, SLOG_CRIT, __VA_ARGS__)
#define SLOG_CRASH_12(...) SLOG_SITE_OF_(SLOG_CRASH_EMIT_, 12, SLOG_LOGGER, SLOG_CRIT, __VA_ARGS__)
#define SLOG_CRASH_13(...) SLOG_SITE_OF_(SLOG_CRASH_EMIT_, 13, SLOG_LOGGER, SLOG_CRIT, __VA_ARGS__)
#define SLOG_CRASH_14(...) SLOG_SITE_OF_(SLOG_CRASH_EMIT_, 14, SLOG_LOGGER, SLOG_CRIT, __VA_ARGS__)
#define SLOG_CRASH_15(...) SLOG_SITE_OF_(SLOG_CRASH_EMIT_, 15, SLOG_LOGGER, SLOG_CRIT, __VA_ARGS__)
#define SLOG_CRASH_16(...) SLOG_SITE_OF_(SLOG_CRASH_EMIT_, 16, SLOG_LOGGER, SLOG_CRIT, __VA_ARGS__)
#define SLOG_CRASH_17(...) SLOG_SITE_OF_(SLOG_CRASH_EMIT_, 17, SLOG_LOGGER, SLOG_CRIT, __VA_ARGS__)
#define SLOG_CRASH_18(...) SLOG_SITE_OF_(SLOG_CRASH_EMIT_, 18, SLOG_LOGGER, SLOG_CRIT, __VA_ARGS__)
#define SLOG_CRASH_19(...) SLOG_SITE_OF_(SLOG_CRASH_EMIT_, 19, SLOG_LOGGER, SLOG_CRIT, __VA_ARGS__)
#define SLOG_CRASH_20(...) SLOG_SITE_OF_(SLOG_CRASH_EMIT_, 20, SLOG_LOGGER, SLOG_CRIT, __VA_ARGS__)
#define SLOG_CRASH_21(...) SLOG_SITE_OF_(SLOG_CRASH_EMIT_, 21, SLOG_LOGGER, SLOG_CRIT, __VA_ARGS__)
#define SLOG_CRASH_22(...) SLOG_SITE_OF_(SLOG_CRASH_EMIT_, 22, SLOG_LOGGER, SLOG_CRIT, __VA_ARGS__)
#define SLOG_CRASH_23(...) SLOG_SITE_OF_(SLOG_CRASH_EMIT_, 23, SLOG_LOGGER, SLOG_CRIT, __VA_ARGS__)
#define SLOG_CRASH_24(...) SLOG_SITE_OF_(SLOG_CRASH_EMIT_, 24, SLOG_LOGGER, SLOG_CRIT, __VA_ARGS__)
#define SLOG_CRASH_25(...) SLOG_SITE_OF_(SLOG_CRASH_EMIT_, 25, SLOG_LOGGER, SLOG_CRIT, __VA_ARGS__)
#define SLOG_CRASH_26(...) SLOG_SITE_OF_(SLOG_CRASH_EMIT_, 26, SLOG_LOGGER, SLOG_CRIT, __VA_ARGS__)
#define SLOG_CRASH_27(...) SLOG_SITE_OF_(SLOG_CRASH_EMIT_, 27, SLOG_LOGGER, SLOG_CRIT, __VA_ARGS__)
#define SLOG_CRASH_28(...) SLOG_SITE_OF_(SLOG_CRASH_EMIT_, 28, SLOG_LOGGER, SLOG_CRIT, __VA_ARGS__)
#define SLOG_CRASH_29(...) SLOG_SITE_OF_(SLOG_CRASH_EMIT_, 29, SLOG_LOGGER, SLOG_CRIT, __VA_ARGS__)
#define SLOG_CRASH_30(...) SLOG_SITE_OF_(SLOG_CRASH_EMIT_, 30, SLOG_LOGGER, SLOG_CRIT, __VA_ARGS__)
#define SLOG_CRASH_31(...) SLOG_SITE_OF_(SLOG_CRASH_EMIT_, 31, SLOG_LOGGER, SLOG_CRIT, __VA_ARGS__)
#define SLOG_CRASH_32(...) SLOG_SITE_OF_(SLOG_CRASH_EMIT_, 32, SLOG_LOGGER, SLOG_CRIT, __VA_ARGS__)

/* A leading dummy makes pairs count as in a call. */
#define slog_group(...) SLOG_PASTE_(SLOG_GROUP_, SLOG_COUNT_(0, __VA_ARGS__))(__VA_ARGS__)
#define SLOG_GROUP_ODD_(...) slog_ERROR_key_without_value
#define SLOG_GROUP_MANY_(...) slog_ERROR_more_than_16_members
#define SLOG_GROUP_1(...) SLOG_GROUP_(1, __VA_ARGS__)
#define SLOG_GROUP_2(...) SLOG_GROUP_(2, __VA_ARGS__)
#define SLOG_GROUP_3(...) SLOG_GROUP_(3, __VA_ARGS__)
#define SLOG_GROUP_4(...) SLOG_GROUP_(4, __VA_ARGS__)
#define SLOG_GROUP_5(...) SLOG_GROUP_(5, __VA_ARGS__)
#define SLOG_GROUP_6(...) SLOG_GROUP_(6, __VA_ARGS__)
#define SLOG_GROUP_7(...) SLOG_GROUP_(7, __VA_ARGS__)
#define SLOG_GROUP_8(...) SLOG_GROUP_(8, __VA_ARGS__)
#define SLOG_GROUP_9(...) SLOG_GROUP_(9, __VA_ARGS__)
#define SLOG_GROUP_10(...) SLOG_GROUP_(10, __VA_ARGS__)
#define SLOG_GROUP_11(...) SLOG_GROUP_(11, __VA_ARGS__)
#define SLOG_GROUP_12(...) SLOG_GROUP_(12, __VA_ARGS__)
#define SLOG_GROUP_13(...) SLOG_GROUP_(13, __VA_ARGS__)
#define SLOG_GROUP_14(...) SLOG_GROUP_(14, __VA_ARGS__)
#define SLOG_GROUP_15(...) SLOG_GROUP_(15, __VA_ARGS__)
#define SLOG_GROUP_16(...) SLOG_GROUP_(16, __VA_ARGS__)
#define SLOG_GROUP_17(...) slog_ERROR_more_than_16_members
#define SLOG_GROUP_18(...) slog_ERROR_more_than_16_members
#define SLOG_GROUP_19(...) slog_ERROR_more_than_16_members
#define SLOG_GROUP_20(...) slog_ERROR_more_than_16_members
#define SLOG_GROUP_21(...) slog_ERROR_more_than_16_members
#define SLOG_GROUP_22(...) slog_ERROR_more_than_16_members
#define SLOG_GROUP_23(...) slog_ERROR_more_than_16_members
#define SLOG_GROUP_24(...) slog_ERROR_more_than_16_members
#define SLOG_GROUP_25(...) slog_ERROR_more_than_16_members
#define SLOG_GROUP_26(...) slog_ERROR_more_than_16_members
#define SLOG_GROUP_27(...) slog_ERROR_more_than_16_members
#define SLOG_GROUP_28(...) slog_ERROR_more_than_16_members
#define SLOG_GROUP_29(...) slog_ERROR_more_than_16_members
#define SLOG_GROUP_30(...) slog_ERROR_more_than_16_members
#define SLOG_GROUP_31(...) slog_ERROR_more_than_16_members
#define SLOG_GROUP_32(...) slog_ERROR_more_than_16_members

#define slog_list(...) SLOG_PASTE_(SLOG_LIST_, SLOG_COUNT_ITEMS_(__VA_ARGS__))(__VA_ARGS__)
#define SLOG_LIST_MANY_(...) slog_ERROR_more_than_16_items
#define SLOG_LIST_1(...) SLOG_LIST_(1, __VA_ARGS__)
#define SLOG_LIST_2(...) SLOG_LIST_(2, __VA_ARGS__)
#define SLOG_LIST_3(...) SLOG_LIST_(3, __VA_ARGS__)
#define SLOG_LIST_4(...) SLOG_LIST_(4, __VA_ARGS__)
#define SLOG_LIST_5(...) SLOG_LIST_(5, __VA_ARGS__)
#define SLOG_LIST_6(...) SLOG_LIST_(6, __VA_ARGS__)
#define SLOG_LIST_7(...) SLOG_LIST_(7, __VA_ARGS__)
#define SLOG_LIST_8(...) SLOG_LIST_(8, __VA_ARGS__)
#define SLOG_LIST_9(...) SLOG_LIST_(9, __VA_ARGS__)
#define SLOG_LIST_10(...) SLOG_LIST_(10, __VA_ARGS__)
#define SLOG_LIST_11(...) SLOG_LIST_(11, __VA_ARGS__)
#define SLOG_LIST_12(...) SLOG_LIST_(12, __VA_ARGS__)
#define SLOG_LIST_13(...) SLOG_LIST_(13, __VA_ARGS__)
#define SLOG_LIST_14(...) SLOG_LIST_(14, __VA_ARGS__)
#define SLOG_LIST_15(...) SLOG_LIST_(15, __VA_ARGS__)
#define SLOG_LIST_16(...) SLOG_LIST_(16, __VA_ARGS__)

#define slog_with(...) SLOG_PASTE_(SLOG_WITH_, SLOG_COUNT_(__VA_ARGS__))(__VA_ARGS__)
#define SLOG_WITH_ODD_(...) slog_ERROR_key_without_value
#define SLOG_WITH_MANY_(...) slog_ERROR_more_than_32_pairs_use_slog_with_fields
#ifndef __cplusplus
#define SLOG_WITH_(n, ...) \
	slog_with_fields(SLOG_FIRST_(__VA_ARGS__), \
		(const struct slog_field[]){SLOG_PAIRS_##n##_(SLOG_FIELD_OF_, __VA_ARGS__)}, n)
#else
#define SLOG_WITH_(n, ...) \
	slog_with_fields(SLOG_FIRST_(__VA_ARGS__), \
		std::initializer_list<slog_field>{SLOG_PAIRS_##n##_(SLOG_FIELD_OF_, __VA_ARGS__)}.begin(), n)
#endif
#define SLOG_WITH_1(...) SLOG_WITH_(1, __VA_ARGS__)
#define SLOG_WITH_2(...) SLOG_WITH_(2, __VA_ARGS__)
#define SLOG_WITH_3(...) SLOG_WITH_(3, __VA_ARGS__)
#define SLOG_WITH_4(...) SLOG_WITH_(4, __VA_ARGS__)
#define SLOG_WITH_5(...) SLOG_WITH_(5, __VA_ARGS__)
#define SLOG_WITH_6(...) SLOG_WITH_(6, __VA_ARGS__)
#define SLOG_WITH_7(...) SLOG_WITH_(7, __VA_ARGS__)
#define SLOG_WITH_8(...) SLOG_WITH_(8, __VA_ARGS__)
#define SLOG_WITH_9(...) SLOG_WITH_(9, __VA_ARGS__)
#define SLOG_WITH_10(...) SLOG_WITH_(10, __VA_ARGS__)
#define SLOG_WITH_11(...) SLOG_WITH_(11, __VA_ARGS__)
#define SLOG_WITH_12(...) SLOG_WITH_(12, __VA_ARGS__)
#define SLOG_WITH_13(...) SLOG_WITH_(13, __VA_ARGS__)
#define SLOG_WITH_14(...) SLOG_WITH_(14, __VA_ARGS__)
#define SLOG_WITH_15(...) SLOG_WITH_(15, __VA_ARGS__)
#define SLOG_WITH_16(...) SLOG_WITH_(16, __VA_ARGS__)
#define SLOG_WITH_17(...) SLOG_WITH_(17, __VA_ARGS__)
#define SLOG_WITH_18(...) SLOG_WITH_(18, __VA_ARGS__)
#define SLOG_WITH_19(...) SLOG_WITH_(19, __VA_ARGS__)
#define SLOG_WITH_20(...) SLOG_WITH_(20, __VA_ARGS__)
#define SLOG_WITH_21(...) SLOG_WITH_(21, __VA_ARGS__)
#define SLOG_WITH_22(...) SLOG_WITH_(22, __VA_ARGS__)
#define SLOG_WITH_23(...) SLOG_WITH_(23, __VA_ARGS__)
#define SLOG_WITH_24(...) SLOG_WITH_(24, __VA_ARGS__)
#define SLOG_WITH_25(...) SLOG_WITH_(25, __VA_ARGS__)
#define SLOG_WITH_26(...) SLOG_WITH_(26, __VA_ARGS__)
#define SLOG_WITH_27(...) SLOG_WITH_(27, __VA_ARGS__)
#define SLOG_WITH_28(...) SLOG_WITH_(28, __VA_ARGS__)
#define SLOG_WITH_29(...) SLOG_WITH_(29, __VA_ARGS__)
#define SLOG_WITH_30(...) SLOG_WITH_(30, __VA_ARGS__)
#define SLOG_WITH_31(...) SLOG_WITH_(31, __VA_ARGS__)
#define SLOG_WITH_32(...) SLOG_WITH_(32, __VA_ARGS__)

#endif
