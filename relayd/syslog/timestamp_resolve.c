/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The calendar and the zone's rules are asked once an hour of stamps: an hour that has no change of the zone and is
 * clear of the borders of the year rule is remembered, and the stamps in it cost an addition.
 */
#include "syslog/timestamp_resolve.h"

#include "base/clock.h"
#include "syslog/civil_date.h"

/* In which zone a stamp is to be read. */
struct stamp_zone {
	const struct timezone_rules *rules; /* NULL: the fixed offset */
	int offset_minutes;
};

struct resolved {
	int64_t seconds; /* since 1970 */
	int32_t offset;  /* seconds east of UTC */
	int year;
	bool once; /* the wall clock shows this time exactly once */
};

/* One hour's border on either side: reception may move that much before a remembered answer is asked for again. */
enum { CACHE_LIFE_SECONDS = SECONDS_PER_HOUR };

void timestamp_use_reception(const struct parse_context *context, enum message_flag flag, struct message *message)
{
	message->time = (struct message_time){.unix_ns = context->received_ns, .digits = TIMESTAMP_RFC5424_DIGITS_MAX};
	message->flags |= flag;
}

static int64_t received_seconds(const struct parse_context *context)
{
	return civil_split_ns(context->received_ns).seconds;
}

/* The instant in a given year, in which the date must exist. Second 60 counts as 59. */
static struct resolved in_year(const struct timestamp *stamp, int year, struct stamp_zone zone, int64_t received)
{
	unsigned second = stamp->second < 60 ? stamp->second : 59;
	int64_t local = civil_to_days(year, stamp->month, stamp->day) * SECONDS_PER_DAY + stamp->hour * SECONDS_PER_HOUR +
					stamp->minute * SECONDS_PER_MINUTE + second;
	struct timezone_instant instant = {TIMEZONE_ONCE, zone.offset_minutes * SECONDS_PER_MINUTE};
	if (zone.rules != NULL)
		instant = timezone_of_local(zone.rules, local, received);
	return (struct resolved){local - instant.offset, instant.offset, year, instant.occurrence == TIMEZONE_ONCE};
}

static int year_of_reception(struct stamp_zone zone, int64_t received)
{
	int32_t offset =
		zone.rules != NULL ? timezone_offset_at(zone.rules, received) : zone.offset_minutes * SECONDS_PER_MINUTE;
	return civil_of_days(civil_floor_div(received + offset, SECONDS_PER_DAY)).year;
}

/* False if no year gives a date that exists and is not too far ahead. */
static bool resolve(const struct timestamp *stamp, struct stamp_zone zone, int64_t received, struct resolved *out)
{
	if (!timestamp_exists(stamp))
		return false;
	if (stamp->year != 0) {
		*out = in_year(stamp, stamp->year, zone, received);
		return true;
	}
	int this_year = year_of_reception(zone, received);
	for (int year = this_year + 1; year >= this_year - 1; year--) {
		if (!civil_exists(year, stamp->month, stamp->day))
			continue;
		*out = in_year(stamp, year, zone, received);
		if (out->seconds <= received + STAMP_FUTURE_MAX_SECONDS)
			return true;
	}
	return false;
}

/* The year rule's border must stay out of reach for every stamp of the hour, while the answer is remembered. */
static bool year_is_certain(const struct timestamp *hour, const struct resolved *begin, struct stamp_zone zone,
							int64_t received)
{
	if (hour->year != 0)
		return true;
	if (hour->month == 2 && hour->day == 29)
		return false;
	int64_t border = received + STAMP_FUTURE_MAX_SECONDS;
	struct resolved next = in_year(hour, begin->year + 1, zone, received);
	return begin->seconds + SECONDS_PER_HOUR <= border - CACHE_LIFE_SECONDS &&
		   next.seconds > border + CACHE_LIFE_SECONDS;
}

/* Nanoseconds since 1970 in 64 bits end in 1677 and 2262. */
static bool is_in_range(int64_t seconds)
{
	return seconds <= INT64_MAX / CLOCK_NS_PER_SECOND - 1 && seconds >= INT64_MIN / CLOCK_NS_PER_SECOND + 1;
}

static void remember_hour(struct stamp_cache *slot, uint64_t key, const struct timestamp *stamp, struct stamp_zone zone,
						  int64_t received)
{
	struct timestamp hour = *stamp;
	struct resolved begin, last;
	hour.minute = 0;
	hour.second = 0;
	if (!resolve(&hour, zone, received, &begin) || !begin.once || !year_is_certain(&hour, &begin, zone, received))
		return;
	hour.minute = 59;
	hour.second = 59;
	last = in_year(&hour, begin.year, zone, received);
	if (!last.once || last.offset != begin.offset || !is_in_range(begin.seconds) || !is_in_range(last.seconds))
		return;
	*slot = (struct stamp_cache){
		.key = key,
		.valid_from_ns = (received - CACHE_LIFE_SECONDS) * CLOCK_NS_PER_SECOND,
		.valid_until_ns = (received + CACHE_LIFE_SECONDS) * CLOCK_NS_PER_SECOND,
		.hour_seconds = begin.seconds,
		.offset = begin.offset,
	};
}

/* Never 0, which marks an empty slot: the month is at least 1. */
static inline uint64_t cache_key(const struct timestamp *stamp, struct stamp_zone zone)
{
	uint64_t zone_key = zone.rules != NULL ? 0 : (uint64_t)(zone.offset_minutes + TIMESTAMP_OFFSET_MAX_MINUTES + 1);
	return zone_key << 40 | (uint64_t)stamp->year << 24 | (uint64_t)stamp->month << 16 | (uint64_t)stamp->day << 8 |
		   stamp->hour;
}

static inline struct stamp_cache *slot_of(struct parse_context *context, const struct timestamp *stamp,
										  struct stamp_zone zone)
{
	unsigned kind = (unsigned)(zone.rules != NULL) << 1 | (stamp->year != 0);
	return &context->cache[((unsigned)stamp->hour << 2 | kind) % STAMP_CACHE_SLOTS];
}

/* Whether the slot answers for this stamp: then its date and hour exist. */
static bool slot_holds(const struct stamp_cache *slot, uint64_t key, const struct timestamp *stamp, int64_t received_ns)
{
	return slot->key == key && received_ns >= slot->valid_from_ns && received_ns <= slot->valid_until_ns &&
		   stamp->minute < 60 && stamp->second <= 60;
}

static bool resolve_cached(struct parse_context *context, const struct timestamp *stamp, struct stamp_zone zone,
						   struct resolved *out)
{
	uint64_t key = cache_key(stamp, zone);
	struct stamp_cache *slot = slot_of(context, stamp, zone);
	if (!slot_holds(slot, key, stamp, context->received_ns)) {
		int64_t received = received_seconds(context);
		if (!resolve(stamp, zone, received, out))
			return false;
		remember_hour(slot, key, stamp, zone, received);
		return true;
	}
	unsigned second = stamp->second < 60 ? stamp->second : 59;
	out->seconds = slot->hour_seconds + stamp->minute * SECONDS_PER_MINUTE + second;
	out->offset = slot->offset;
	return true;
}

static bool is_near(int64_t seconds, int64_t received)
{
	return seconds - received <= STAMP_LOCAL_SKEW_MAX_SECONDS && received - seconds <= STAMP_LOCAL_SKEW_MAX_SECONDS;
}

/*
 * musl's syslog() writes UTC, glibc's local time: whichever reading is near to the reception time is right. If both
 * are, or neither is, local time is a guess.
 */
static bool resolve_without_zone(struct parse_context *context, const struct timestamp *stamp, struct resolved *out,
								 bool *guessed)
{
	static const struct stamp_zone utc = {NULL, 0};
	struct stamp_zone local = {context->zone, 0};
	*guessed = true;
	bool found = resolve_cached(context, stamp, local, out);
	if (!context->local_socket)
		return found;
	struct resolved as_utc;
	bool found_utc = resolve_cached(context, stamp, utc, &as_utc);
	bool local_near = found && is_near(out->seconds, received_seconds(context));
	bool utc_near = found_utc && is_near(as_utc.seconds, received_seconds(context));
	*guessed = local_near == utc_near;
	if (utc_near && !local_near) {
		*out = as_utc;
		return true;
	}
	return found;
}

static inline void set_time(const struct timestamp *stamp, int64_t seconds, int32_t offset, bool zone_guessed,
							struct message *message)
{
	message->time = (struct message_time){
		.unix_ns = seconds * CLOCK_NS_PER_SECOND + stamp->nanoseconds,
		.offset_minutes = (int16_t)(offset / SECONDS_PER_MINUTE),
		.digits = stamp->digits,
	};
	message->flags |= (stamp->year == 0 ? MESSAGE_YEAR_GUESSED : 0u) | (zone_guessed ? MESSAGE_ZONE_GUESSED : 0u) |
					  (stamp->excess_digits ? MESSAGE_TIME_PRECISION : 0u);
}

/* Any stamp that has a time. */
static __attribute__((noinline)) void resolve_any(struct parse_context *context, const struct timestamp *stamp,
												  struct message *message)
{
	struct resolved resolved;
	bool guessed = false, found;
	if (stamp->has_offset)
		found = resolve_cached(context, stamp, (struct stamp_zone){NULL, stamp->offset_minutes}, &resolved);
	else
		found = resolve_without_zone(context, stamp, &resolved, &guessed);
	if (!found || !is_in_range(resolved.seconds)) {
		timestamp_use_reception(context, MESSAGE_TIME_INVALID, message);
		return;
	}
	set_time(stamp, resolved.seconds, resolved.offset, guessed, message);
	if (stamp->second == 60) {
		message->time.unix_ns = resolved.seconds * CLOCK_NS_PER_SECOND + 999999000;
		message->time.digits = TIMESTAMP_RFC5424_DIGITS_MAX;
		message->flags |= MESSAGE_TIME_PRECISION;
	}
}

/* The remembered hour of a stamp that has a time and is read in one zone only; NULL if there is none. */
static inline const struct stamp_cache *remembered_hour(struct parse_context *context, const struct timestamp *stamp)
{
	bool zone_absent = !stamp->has_offset;
	struct stamp_zone zone = {zone_absent ? context->zone : NULL, stamp->offset_minutes};
	uint64_t key = cache_key(stamp, zone);
	const struct stamp_cache *slot = slot_of(context, stamp, zone);
	if ((zone_absent && context->local_socket) || stamp->second == 60 ||
		!slot_holds(slot, key, stamp, context->received_ns))
		return NULL;
	return slot;
}

void timestamp_resolve(struct parse_context *context, const struct timestamp *stamp, struct message *message)
{
	if (!stamp->has_time) {
		timestamp_use_reception(context, MESSAGE_TIME_ABSENT, message);
		return;
	}
	const struct stamp_cache *slot = remembered_hour(context, stamp);
	if (slot == NULL)
		resolve_any(context, stamp, message);
	else
		set_time(stamp, slot->hour_seconds + stamp->minute * SECONDS_PER_MINUTE + stamp->second, slot->offset,
				 !stamp->has_offset, message);
}

void timestamp_minute_of(struct parse_context *context, const struct timestamp *stamp, struct stamp_minute *minute)
{
	const struct stamp_cache *slot = remembered_hour(context, stamp);
	minute->valid_until_ns = INT64_MIN;
	if (slot == NULL)
		return;
	minute->valid_from_ns = slot->valid_from_ns;
	minute->valid_until_ns = slot->valid_until_ns;
	minute->seconds = slot->hour_seconds + stamp->minute * SECONDS_PER_MINUTE;
	minute->offset_minutes = (int16_t)(slot->offset / SECONDS_PER_MINUTE);
}
