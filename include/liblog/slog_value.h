/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How slog.h makes a struct slog_value from a C or C++ value. Include slog.h, not this. The names that end in an
 * underscore are no interface, except that they stay for programs that were compiled with them.
 *
 * The functions are C11 inline functions with their one external definition in the library (value.c), so that inline
 * functions of programs may use them.
 */
#ifndef LIBLOG_SLOG_VALUE_H
#define LIBLOG_SLOG_VALUE_H

#include <string.h>

#include <liblog/slog.h>


#ifdef __cplusplus
extern "C" {
#endif

inline struct slog_value slog_make_(enum slog_type type, uint32_t detail, size_t length)
{
	struct slog_value value;
	memset(&value, 0, sizeof value);
	value.type = (uint8_t)type;
	value.detail = detail;
	value.length = length;
	return value;
}

inline struct slog_value slog_null_value_(void)
{
	return slog_make_(SLOG_TYPE_NULL, 0, 0);
}

inline struct slog_value slog_bool_value_(bool x)
{
	struct slog_value value = slog_make_(SLOG_TYPE_BOOL, 0, 0);
	value.as.u64 = x ? 1 : 0;
	return value;
}

inline struct slog_value slog_int_value_(long long x)
{
	struct slog_value value = slog_make_(SLOG_TYPE_INT, 0, 0);
	value.as.i64 = x;
	return value;
}

inline struct slog_value slog_uint_value_(unsigned long long x)
{
	struct slog_value value = slog_make_(SLOG_TYPE_UINT, 0, 0);
	value.as.u64 = x;
	return value;
}

inline struct slog_value slog_double_value_(double x)
{
	struct slog_value value = slog_make_(SLOG_TYPE_DOUBLE, 0, 0);
	value.as.number = x;
	return value;
}

inline struct slog_value slog_float_value_(float x)
{
	struct slog_value value = slog_make_(SLOG_TYPE_FLOAT, 0, 0);
	value.as.number = x;
	return value;
}

inline struct slog_value slog_text_value_(enum slog_type type, const void *text, size_t length)
{
	if (text == NULL)
		return slog_null_value_();
	struct slog_value value = slog_make_(type, 0, length);
	value.as.pointer = text;
	return value;
}

inline struct slog_value slog_string_value_(const void *string)
{
	return slog_text_value_(SLOG_TYPE_STRING, string, string == NULL ? 0 : strlen((const char *)string));
}

inline struct slog_value slog_pointer_value_(const void *pointer)
{
	return slog_text_value_(SLOG_TYPE_POINTER, pointer, 0);
}

inline struct slog_value slog_same_value_(struct slog_value value)
{
	return value;
}

inline struct slog_value slog_list_value_(const struct slog_value *items, size_t n)
{
	return slog_text_value_(SLOG_TYPE_LIST, items, n);
}

inline struct slog_value slog_group_value_(const struct slog_field *members, size_t n)
{
	return slog_text_value_(SLOG_TYPE_GROUP, members, n);
}

inline struct slog_value slog_time_value_(struct timespec time)
{
	struct slog_value value = slog_make_(SLOG_TYPE_TIME, (uint32_t)time.tv_nsec, 0);
	value.as.i64 = time.tv_sec;
	return value;
}

inline struct slog_value slog_error_value_(enum slog_type type, int error)
{
	return slog_make_(type, (uint32_t)error, 0);
}

inline struct slog_value slog_json_value_(const char *text)
{
	return slog_text_value_(SLOG_TYPE_JSON, text, text == NULL ? 0 : strlen(text));
}

inline struct slog_field slog_field_(const char *key, size_t key_length, struct slog_value value)
{
	struct slog_field field;
	field.key = key;
	field.key_length = key_length;
	field.value = value;
	return field;
}

inline struct slog_field slog_kv_(const char *key, struct slog_value value)
{
	return slog_field_(key, strlen(key), value);
}

/* Room for a formatted text in the caller's frame. */
struct slog_formatted_ {
	char text[SLOG_MSGF_MAX];
};

/* Formats into *room and gives the string there. Leaves errno as it was, so %m and a later slog_errno() agree. */
struct slog_value slog_msgf_1(struct slog_formatted_ *room, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#ifdef __cplusplus
}
#endif

#define slog_bool(x) slog_bool_value_((x) ? true : false)
#define slog_str(p, n) slog_text_value_(SLOG_TYPE_STRING, (p), (n))
#define slog_bytes(p, n) slog_text_value_(SLOG_TYPE_BYTES, (p), (n))
#define slog_time(...) slog_time_value_(__VA_ARGS__)
#define slog_addr(sa) slog_text_value_(SLOG_TYPE_ADDRESS, (sa), 0)
#define slog_errno() slog_error_value_(SLOG_TYPE_ERRNO, errno)
#define slog_error(err) slog_error_value_(SLOG_TYPE_ERROR, (err))
#define slog_json(text) slog_json_value_(text)
#define slog_secret(v) ((void)sizeof(v), slog_make_(SLOG_TYPE_SECRET, 0, 0))
#define slog_kv(key, v) slog_kv_((key), slog_any(v))

#ifndef __cplusplus

#define slog_any(v) \
	_Generic((v), \
		_Bool: slog_bool_value_, \
		signed char: slog_int_value_, \
		unsigned char: slog_uint_value_, \
		short: slog_int_value_, \
		unsigned short: slog_uint_value_, \
		int: slog_int_value_, \
		unsigned int: slog_uint_value_, \
		long: slog_int_value_, \
		unsigned long: slog_uint_value_, \
		long long: slog_int_value_, \
		unsigned long long: slog_uint_value_, \
		float: slog_float_value_, \
		double: slog_double_value_, \
		char *: slog_string_value_, \
		const char *: slog_string_value_, \
		signed char *: slog_string_value_, \
		const signed char *: slog_string_value_, \
		unsigned char *: slog_string_value_, \
		const unsigned char *: slog_string_value_, \
		void *: slog_pointer_value_, \
		const void *: slog_pointer_value_, \
		struct slog_value: slog_same_value_)(v)

#define slog_msgf(...) slog_msgf_1(&(struct slog_formatted_){{0}}, __VA_ARGS__)

#else /* C++ */

#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>

/* One overload for each type that C's slog_any() takes, so that nothing else converts silently. */
inline slog_value slog_any(bool x) { return slog_bool_value_(x); }
inline slog_value slog_any(signed char x) { return slog_int_value_(x); }
inline slog_value slog_any(unsigned char x) { return slog_uint_value_(x); }
inline slog_value slog_any(short x) { return slog_int_value_(x); }
inline slog_value slog_any(unsigned short x) { return slog_uint_value_(x); }
inline slog_value slog_any(int x) { return slog_int_value_(x); }
inline slog_value slog_any(unsigned x) { return slog_uint_value_(x); }
inline slog_value slog_any(long x) { return slog_int_value_(x); }
inline slog_value slog_any(unsigned long x) { return slog_uint_value_(x); }
inline slog_value slog_any(long long x) { return slog_int_value_(x); }
inline slog_value slog_any(unsigned long long x) { return slog_uint_value_(x); }
inline slog_value slog_any(float x) { return slog_float_value_(x); }
inline slog_value slog_any(double x) { return slog_double_value_(x); }
inline slog_value slog_any(const char *x) { return slog_string_value_(x); }
inline slog_value slog_any(const signed char *x) { return slog_string_value_(x); }
inline slog_value slog_any(const unsigned char *x) { return slog_string_value_(x); }
inline slog_value slog_any(const void *x) { return slog_pointer_value_(x); }
inline slog_value slog_any(std::nullptr_t) { return slog_null_value_(); }
inline slog_value slog_any(std::string_view x)
{
	return slog_text_value_(SLOG_TYPE_STRING, x.data() != nullptr ? x.data() : "", x.size());
}
inline slog_value slog_any(const std::string &x) { return slog_text_value_(SLOG_TYPE_STRING, x.data(), x.size()); }
inline slog_value slog_any(slog_value x) { return x; }
slog_value slog_any(char x) = delete;
slog_value slog_any(long double x) = delete;
template <class T> slog_value slog_any(const T *x) = delete;

inline slog_value slog_list_of_(std::initializer_list<slog_value> items)
{
	return slog_list_value_(items.begin(), items.size());
}

inline slog_value slog_group_of_(std::initializer_list<slog_field> members)
{
	return slog_group_value_(members.begin(), members.size());
}

/* The temporary lives to the end of the full expression, which is the logging call. */
struct slog_formatted_room_ {
	slog_formatted_ room;
	slog_formatted_ *get() { return &room; }
};

#define slog_msgf(...) slog_msgf_1(slog_formatted_room_().get(), __VA_ARGS__)

#endif

#endif
