/* SPDX-License-Identifier: Apache-2.0 */
/* The external definitions of the inline functions in slog_value.h, and the one that is too large for it. */
#include <liblog/slog.h>

#include <stdarg.h>
#include <stdio.h>

extern inline struct slog_value slog_make_(enum slog_type type, uint32_t detail, size_t length);
extern inline struct slog_value slog_null_value_(void);
extern inline struct slog_value slog_bool_value_(bool x);
extern inline struct slog_value slog_int_value_(long long x);
extern inline struct slog_value slog_uint_value_(unsigned long long x);
extern inline struct slog_value slog_double_value_(double x);
extern inline struct slog_value slog_float_value_(float x);
extern inline struct slog_value slog_text_value_(enum slog_type type, const void *text, size_t length);
extern inline struct slog_value slog_string_value_(const void *string);
extern inline struct slog_value slog_pointer_value_(const void *pointer);
extern inline struct slog_value slog_same_value_(struct slog_value value);
extern inline struct slog_value slog_list_value_(const struct slog_value *items, size_t n);
extern inline struct slog_value slog_group_value_(const struct slog_field *members, size_t n);
extern inline struct slog_value slog_time_value_(struct timespec time);
extern inline struct slog_value slog_error_value_(enum slog_type type, int error);
extern inline struct slog_value slog_json_value_(const char *text);
extern inline struct slog_field slog_field_(const char *key, size_t key_length, struct slog_value value);
extern inline struct slog_field slog_kv_(const char *key, struct slog_value value);

/* The layout that programs are compiled with. */
#if UINTPTR_MAX == UINT64_MAX
_Static_assert(sizeof(struct slog_value) == 24 && sizeof(struct slog_field) == 40, "frozen");
#endif
_Static_assert(sizeof(struct slog_site) == 6 && sizeof(struct slog_name) == 4, "frozen");

struct slog_value slog_msgf_1(struct slog_formatted_ *room, const char *format, ...)
{
	static const char ellipsis[] = "...";
	int saved = errno;
	va_list arguments;
	va_start(arguments, format);
	int length = vsnprintf(room->text, sizeof room->text, format, arguments);
	va_end(arguments);
	if (length < 0)
		length = snprintf(room->text, sizeof room->text, "(cannot be formatted: %s)", format);
	if ((size_t)length >= sizeof room->text) {
		length = sizeof room->text - 1;
		memcpy(room->text + length - (sizeof ellipsis - 1), ellipsis, sizeof ellipsis);
	}
	errno = saved;
	return slog_text_value_(SLOG_TYPE_STRING, room->text, (size_t)length);
}
