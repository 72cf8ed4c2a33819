/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a logging call costs, as ratios: each row runs two things in turn, several rounds in one process, and gives the
 * median of the rounds' ratios, because the machine's speed drifts between runs. The sink copies the line into memory
 * of its thread, so encoding is measured and no device.
 *
 *     bench_slog [ROUNDS]               all ratios; exit status 1 if a target is missed
 *     bench_slog --list                 the names of the kinds of calls
 *     bench_slog --only NAME COUNT      makes COUNT calls of that kind and says nothing (`instructions` counts it)
 */
#include <liblog/sink.h>

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
	ROUNDS = 15,
	ROUNDS_MAX = 101,
	CALLS = 50000, /* of a round, in so many turns of each side */
	TURNS = 5,
	TURNS_MAX = ROUNDS_MAX * TURNS,
	CALLS_LARGE = 400,
	TEXT_BYTES = 65536,
	TEXT_COUNTED_BYTES = 512, /* of the texts of --only */
	EVENT_BYTES_MAX = 1 << 20,
};

/* ---- allocations are counted by standing in for the allocator ---------------------------------------------------- */

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *old, size_t size);
static unsigned long allocations;

void *malloc(size_t size)
{
	__atomic_fetch_add(&allocations, 1, __ATOMIC_RELAXED);
	return __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
	__atomic_fetch_add(&allocations, 1, __ATOMIC_RELAXED);
	return __libc_calloc(n, size);
}

void *realloc(void *old, size_t size)
{
	__atomic_fetch_add(&allocations, 1, __ATOMIC_RELAXED);
	return __libc_realloc(old, size);
}

/* ---- a sink that only copies -------------------------------------------------------------------------------------- */

static _Thread_local _Alignas(4096) char taken[EVENT_BYTES_MAX + 1];
static _Thread_local size_t taken_length;

static int take(struct slog_sink *sink, const char *line, size_t length, enum slog_severity severity)
{
	(void)sink;
	(void)severity;
	memcpy(taken, line, length);
	taken_length = length;
	return 0;
}

static void keep_open(struct slog_sink *sink)
{
	(void)sink;
}

static const struct slog_sink_driver driver = {.name = "bench", .line_feed = true, .write = take, .close = keep_open};
static struct slog_sink json_sink = {&driver, &slog_encoder_json, EVENT_BYTES_MAX};
static struct slog_sink sd_sink = {&driver, &slog_encoder_rfc5424, EVENT_BYTES_MAX};

/* ---- what is measured --------------------------------------------------------------------------------------------- */

/* The values are read from memory in each call, so that no compiler knows them. */
static struct {
	const char *volatile msg, *volatile method, *volatile user, *volatile ip, *volatile protocol, *volatile info;
	volatile bool valid;
	volatile int port, attempt;
} login = {
	"Failed password", "password", "root", "192.0.2.147", "ssh2",
	"RSA SHA256:Zm9vYmFyYmF6cXV4cXV1eGNvcmdlZ3JhdWx0", false, 54460, 3,
};

static struct slog_logger *to; /* the logger of the calls below */
static const char *large_text;
static size_t large_length;

static void log_login(void)
{
	slog_info_to(to, "auth", "msg", login.msg, "method", login.method, "valid", login.valid, "user", login.user,
	             "remote_ip", login.ip, "remote_port", login.port, "protocol", login.protocol, "info", login.info,
	             "attempt", login.attempt);
}

/* The same text by one snprintf(); the date is known, as a program may keep it for a second. */
static void print_login(void)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	int length = snprintf(taken, sizeof taken,
	                      "{\"timestamp\":\"%04d-%02d-%02dT%02d:%02d:%02d.%06ldZ\",\"severity\":\"%s\",\"facility\":\"%s\","
	                      "\"hostname\":\"%s\",\"app_name\":\"%s\",\"procid\":\"%d\",\"msgid\":\"%s\",\"msg\":\"%s\","
	                      "\"method\":\"%s\",\"valid\":%s,\"user\":\"%s\",\"remote_ip\":\"%s\",\"remote_port\":%d,"
	                      "\"protocol\":\"%s\",\"info\":\"%s\",\"attempt\":%d}\n",
	                      2026, 10, 11, 22, 14, 15, now.tv_nsec / 1000, "info", "auth", "web01.example.net", "sshd", 4711,
	                      "auth", login.msg, login.method, login.valid ? "true" : "false", login.user, login.ip,
	                      login.port, login.protocol, login.info, login.attempt);
	taken_length = (size_t)length;
}

static void log_doubles(void)
{
	slog_info_to(to, "sample", "load", 0.1 + login.attempt, "share", 1.0 / login.port, "size", 1e22 / login.attempt);
}

static void print_doubles(void)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	snprintf(taken, sizeof taken,
	         "{\"timestamp\":\"%04d-%02d-%02dT%02d:%02d:%02d.%06ldZ\",\"severity\":\"%s\",\"facility\":\"%s\","
	         "\"hostname\":\"%s\",\"app_name\":\"%s\",\"procid\":\"%d\",\"msgid\":\"%s\",\"load\":%.17g,\"share\":%.17g,"
	         "\"size\":%.17g}\n",
	         2026, 10, 11, 22, 14, 15, now.tv_nsec / 1000, "info", "auth", "web01.example.net", "sshd", 4711, "sample",
	         0.1 + login.attempt, 1.0 / login.port, 1e22 / login.attempt);
}

static void log_large(void)
{
	slog_info_to(to, "large", "text", slog_str(large_text, large_length));
}

static void log_debug(void)
{
	slog_debug_to(to, "auth", "msg", login.msg, "method", login.method);
}

/* What a loop around a call costs by itself. */
static void nothing(void)
{
	__asm__ volatile("" ::: "memory");
}

/* ---- measuring ---------------------------------------------------------------------------------------------------- */

/* The thread's own time: what else the machine does is not counted, memory shared between threads is. */
static double now_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* Nanoseconds of one call. */
static double run(void (*call)(void), int calls)
{
	double start = now_ns();
	for (int i = 0; i < calls; i++)
		call();
	return (now_ns() - start) / calls;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a;
	double y = *(const double *)b;
	return (x > y) - (x < y);
}

static double median(double *figures, int n)
{
	qsort(figures, (size_t)n, sizeof *figures, by_size);
	return figures[n / 2];
}

static int rounds = ROUNDS;
static bool missed;

static void report(const char *what, double figure, const char *unit, bool at_most, double target)
{
	bool met = at_most ? figure <= target : figure >= target;
	printf("%-58s %8.3f %-5s %-8s %-4g %s\n", what, figure, unit, at_most ? "at most" : "at least", target,
	       met ? "yes" : "MISSED");
	missed = missed || !met;
}

/* One side of a comparison: a call, with the sink and the logger that it uses. */
struct side {
	const char *name;
	void (*call)(void);
	struct slog_sink *sink;
	struct slog_logger *logger;
};

static double run_side(const struct side *side, int calls)
{
	slog_set_sink(&slog_default_logger, side->sink);
	to = side->logger;
	return run(side->call, calls);
}

/* Medians of both sides, and of the ratios a / b and differences a - b of the turns, which are short: see compare_liblog. */
struct compared {
	double a, b, ratio, difference;
};

static struct compared compare(const struct side *a, const struct side *b, int calls)
{
	static double as[TURNS_MAX], bs[TURNS_MAX], ratios[TURNS_MAX], differences[TURNS_MAX];
	int turns = rounds * TURNS;
	run_side(a, calls / 10);
	run_side(b, calls / 10);
	for (int i = 0; i < turns; i++) {
		as[i] = run_side(a, calls / TURNS);
		bs[i] = run_side(b, calls / TURNS);
		ratios[i] = as[i] / bs[i];
		differences[i] = as[i] - bs[i];
	}
	struct compared compared = {median(as, turns), median(bs, turns), median(ratios, turns), median(differences, turns)};
	printf("    %s: %.1f ns; %s: %.1f ns\n", a->name, compared.a, b->name, compared.b);
	return compared;
}

/* What a thread of run_two_threads() does, and what that took. */
struct stint {
	void (*call)(void);
	double ns;
};

static void *run_stint(void *argument)
{
	struct stint *stint = argument;
	stint->ns = run(stint->call, CALLS / TURNS);
	return NULL;
}

/* Nanoseconds of one call while two threads make them. */
static double run_two_threads(void (*call)(void))
{
	struct stint stints[2] = {{call, 0}, {call, 0}};
	pthread_t threads[2];
	for (int i = 0; i < 2; i++)
		if (pthread_create(&threads[i], NULL, run_stint, &stints[i]) != 0)
			abort();
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	return (stints[0].ns + stints[1].ns) / 2;
}

/*
 * Two threads against one. Processors that are two halves of one core are slower together whatever runs on them, so the
 * same is done with snprintf(), which shares nothing between threads, and what that pays is taken out.
 */
static void measure_threads(void)
{
	static double ratios[TURNS_MAX], of_print[TURNS_MAX], of_log[TURNS_MAX];
	int turns = rounds * TURNS;
	to = &slog_default_logger;
	slog_set_sink(to, &json_sink);
	for (int i = 0; i < turns; i++) {
		double one = run(log_login, CALLS / TURNS);
		of_log[i] = run_two_threads(log_login) / one;
		one = run(print_login, CALLS / TURNS);
		of_print[i] = run_two_threads(print_login) / one;
		ratios[i] = of_log[i] / of_print[i];
	}
	printf("    two threads / one thread: liblog %.3f, snprintf %.3f\n", median(of_log, turns), median(of_print, turns));
	report("two threads / one thread, of what snprintf pays", median(ratios, turns), "x", true, 1.1);
}

/* Long texts, by what is in them. */
static const struct text {
	const char *name;
	const char *pattern;
	double target; /* GB/s of what is read; raw octets become three times as much */
} texts[] = {
	{"plain-text", "The quick brown fox jumps over the lazy dog. ", 1},
	{"quotes", "\"", 1},
	{"line-feeds", "\n", 1},
	{"text-with-escapes", "GET /index.html?q=\"a\\b\"\n", 1},
	{"cyrillic", "\xD0\xA1\xD1\x8A\xD0\xB5\xD1\x88\xD1\x8C \xD0\xB6\xD0\xB5 \xD0\xB5\xD1\x89\xD1\x91 ", 1},
	{"chinese", "\xE4\xB8\xAD\xE6\x96\x87\xE6\x97\xA5\xE5\xBF\x97", 1},
	{"latin-with-accents", "Le c\xC5\x93ur d\xC3\xA9\xC3\xA7u mais l'\xC3\xA2me plut\xC3\xB4t na\xC3\xAFve. ", 1},
	{"octets-that-are-no-utf-8", "\xE4\xF6\xFC \xDF\xE9\xFF", 0.5},
};
enum { TEXTS = sizeof texts / sizeof *texts };

static struct slog_sink *const sinks[] = {&json_sink, &sd_sink};

/* Whole patterns, size octets of them at the most. */
static void make_large(const char *pattern, size_t size)
{
	static char text[TEXT_BYTES];
	size_t length = strlen(pattern);
	for (size_t at = 0; at + length <= size; at += length)
		memcpy(text + at, pattern, length);
	large_text = text;
	large_length = size / length * length;
}

static void measure_throughput(const struct text *text)
{
	static double rates[ROUNDS_MAX];
	make_large(text->pattern, TEXT_BYTES);
	to = &slog_default_logger;
	for (size_t s = 0; s < 2; s++) {
		char name[80];
		slog_set_sink(to, sinks[s]);
		for (int i = 0; i < rounds; i++)
			rates[i] = (double)large_length / run(log_large, CALLS_LARGE);
		snprintf(name, sizeof name, "64 KiB of %s, %s", text->name, sinks[s]->encoder->name);
		report(name, median(rates, rounds), "GB/s", false, text->target);
	}
}

static struct slog_logger *bound_logger(void)
{
	return slog_with(&slog_default_logger, "service", "checkout", "version", "1.14.3", "region", "eu-central-1", "zone",
	                 "b", "request_id", "01HF8Z5V7Q", "tenant", 4711, "shard", 12,
	                 "canary", slog_bool(false), "method_class",
	                 "write", "trace_id", "4bf92f3577b34da6");
}

static void measure_calls(struct slog_logger *bound)
{
	struct slog_logger *plain = &slog_default_logger;
	const struct side json = {"JSON, 9 fields", log_login, &json_sink, plain};
	const struct side sd = {"STRUCTURED-DATA, 9 fields", log_login, &sd_sink, plain};
	const struct side printed = {"snprintf of the same JSON", print_login, &json_sink, plain};
	const struct side json_bound = {"JSON, 9 fields and 10 bound", log_login, &json_sink, bound};
	const struct side sd_bound = {"STRUCTURED-DATA, 9 fields and 10 bound", log_login, &sd_sink, bound};
	const struct side off = {"a level that is off", log_debug, &json_sink, plain};
	const struct side loop = {"an empty function", nothing, &json_sink, plain};
	const struct side doubles = {"JSON, 3 doubles of 17 digits", log_doubles, &json_sink, plain};
	const struct side doubles_printed = {"snprintf of the same, %.17g", print_doubles, &json_sink, plain};
	report("JSON / snprintf", compare(&json, &printed, CALLS).ratio, "x", true, 0.20);
	report("STRUCTURED-DATA / JSON", compare(&sd, &json, CALLS).ratio, "x", true, 1.3);
	report("bound context of 10 fields adds, JSON", compare(&json_bound, &json, CALLS).difference, "ns", true, 10);
	report("bound context of 10 fields adds, STRUCTURED-DATA", compare(&sd_bound, &sd, CALLS).difference, "ns", true, 10);
	report("a level that is off costs", compare(&off, &loop, CALLS * 20).difference, "ns", true, 2);
	report("three doubles / snprintf", compare(&doubles, &doubles_printed, CALLS).ratio, "x", true, 0.20);
}

static void measure_allocations(struct slog_logger *bound)
{
	unsigned long before = __atomic_load_n(&allocations, __ATOMIC_RELAXED);
	const struct side sides[] = {
		{"", log_login, &json_sink, &slog_default_logger},
		{"", log_login, &sd_sink, bound},
		{"", log_large, &json_sink, &slog_default_logger},
	};
	for (size_t i = 0; i < sizeof sides / sizeof *sides; i++)
		run_side(&sides[i], 100);
	report("allocations in 300 calls, 100 of 64 KiB", (double)(allocations - before), "", true, 0);
}

/* ---- one kind of calls, to be counted ----------------------------------------------------------------------------- */

static const struct kind {
	const char *name;
	void (*call)(void);
	bool is_bound;
} kinds[] = {
	{"call", log_login, false},
	{"call-bound", log_login, true},
	{"doubles", log_doubles, false},
};
enum { KINDS = sizeof kinds / sizeof *kinds, NAME_BYTES = 64 };

/* The name of a kind or, behind these, of a text, in the form of one of the sinks. */
static void name_of(char name[NAME_BYTES], size_t i, size_t sink)
{
	snprintf(name, NAME_BYTES, "slog/%s-%s", i < KINDS ? kinds[i].name : texts[i - KINDS].name,
	         sinks[sink]->encoder->name);
}

static int list(void)
{
	char name[NAME_BYTES];
	for (size_t i = 0; i < KINDS + TEXTS; i++)
		for (size_t s = 0; s < 2; s++) {
			name_of(name, i, s);
			puts(name);
		}
	return 0;
}

static int run_only(const char *wanted, const char *count, struct slog_logger *bound)
{
	char name[NAME_BYTES];
	for (size_t i = 0; i < KINDS + TEXTS; i++)
		for (size_t s = 0; s < 2; s++) {
			name_of(name, i, s);
			if (strcmp(name, wanted) != 0)
				continue;
			if (i >= KINDS)
				make_large(texts[i - KINDS].pattern, TEXT_COUNTED_BYTES);
			const struct side side = {name, i < KINDS ? kinds[i].call : log_large, sinks[s],
			                          i < KINDS && kinds[i].is_bound ? bound : &slog_default_logger};
			run_side(&side, atoi(count));
			return 0;
		}
	fprintf(stderr, "bench_slog: there is no kind \"%s\"; --list prints their names\n", wanted);
	return 2;
}

static int measure_all(struct slog_logger *bound)
{
	measure_calls(bound);
	measure_threads();
	for (size_t i = 0; i < TEXTS; i++)
		measure_throughput(&texts[i]);
	measure_allocations(bound);
	return missed ? 1 : 0;
}

int main(int argc, char **argv)
{
	struct slog_options options = {.size = sizeof options, .app_name = "sshd", .hostname = "web01.example.net",
	                               .facility = SLOG_AUTH, .levels = "info", .sink = &json_sink};
	if (slog_open(&options) != 0)
		return 2;
	struct slog_logger *bound = bound_logger();
	int status = 2;
	if (argc == 2 && strcmp(argv[1], "--list") == 0) {
		status = list();
	} else if (argc == 4 && strcmp(argv[1], "--only") == 0) {
		status = run_only(argv[2], argv[3], bound);
	} else {
		rounds = argc > 1 ? atoi(argv[1]) : ROUNDS;
		if (rounds >= 1 && rounds <= ROUNDS_MAX)
			status = measure_all(bound);
		else
			fputs("usage: bench_slog [ROUNDS | --list | --only NAME COUNT]\n", stderr);
	}
	slog_free(bound);
	return status;
}
