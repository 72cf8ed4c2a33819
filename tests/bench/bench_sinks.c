/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What it costs to get an event into the local syslog socket, against glibc's syslog() with the same text: liblog called
 * directly, and behind the ring. A thread of this program reads the socket all the time, as a daemon would.
 *
 * Events come in bursts that the socket's queue can hold, so that nobody waits for the reader: what is measured is the
 * way into the socket. A burst's time is that of its calls and, behind the ring, of the flush after them. Between bursts
 * the reader catches up, unmeasured. The rows run in turn, several rounds in one process, and the median of the rounds'
 * ratios is given, because the machine's speed drifts. Two measures: the processor time of the program without the
 * reader, but with the ring's worker; and elapsed time, which says little while other programs want the processors. The
 * targets are on the first: direct 0.65, behind the ring 0.5 of syslog().
 *
 * glibc sends only to /dev/log: the program makes namespaces of its own, puts its socket there, and has a longer queue
 * in them. That needs root; without it nothing is measured.
 *
 * Usage: bench_sinks [rounds]. Exit status 1 if a target is missed.
 */
#include <liblog/sink.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

enum { ROUNDS = 15, ROUNDS_MAX = 101, BURSTS = 300, BURST = 100, CALLS = BURSTS * BURST, BATCH = 64, DATAGRAM_MAX = 8192 };

#define DIRECT_TARGET 0.65
#define BATCHED_TARGET 0.5

static int server;
static _Atomic unsigned long received;

/* ---- the reader --------------------------------------------------------------------------------------------------- */

static void *read_for_ever(void *argument)
{
	static char room[BATCH][DATAGRAM_MAX];
	struct mmsghdr messages[BATCH];
	struct iovec pieces[BATCH];
	for (int i = 0; i < BATCH; i++) {
		pieces[i] = (struct iovec){room[i], DATAGRAM_MAX};
		messages[i] = (struct mmsghdr){.msg_hdr = {.msg_iov = &pieces[i], .msg_iovlen = 1}};
	}
	for (;;) {
		int n = recvmmsg(server, messages, BATCH, MSG_WAITFORONE, NULL);
		if (n < 0)
			return argument;
		atomic_fetch_add(&received, (unsigned long)n);
	}
}

/* Queues of this many datagrams, in this program's network namespace only. */
static bool lengthen_queues(void)
{
	int fd = open("/proc/sys/net/unix/max_dgram_qlen", O_WRONLY);
	bool is_done = fd >= 0 && write(fd, "1000", 4) == 4;
	close(fd);
	return is_done;
}

/* A /dev with nothing in it but our socket, seen by this program only. */
static bool make_dev_log(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "/dev/log"};
	if (unshare(CLONE_NEWNS | CLONE_NEWNET) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
	    mount("none", "/dev", "tmpfs", 0, NULL) != 0 || !lengthen_queues())
		return false;
	server = socket(AF_UNIX, SOCK_DGRAM, 0);
	return server >= 0 && bind(server, (struct sockaddr *)&address, sizeof address) == 0;
}

/* ---- what is measured --------------------------------------------------------------------------------------------- */

/* The event of all benches of liblog's, read from memory in each call, so that no compiler knows it. */
static struct {
	const char *volatile msg, *volatile method, *volatile user, *volatile ip, *volatile protocol, *volatile info;
	volatile bool valid;
	volatile int port, attempt;
} login = {
	"Failed password", "password", "root", "192.0.2.147", "ssh2",
	"RSA SHA256:Zm9vYmFyYmF6cXV4cXV1eGNvcmdlZ3JhdWx0", false, 54460, 3,
};

static void with_syslog(void)
{
	syslog(LOG_INFO,
	       "@cee: {\"timestamp\":\"2026-10-11T22:14:15.003000Z\",\"severity\":\"info\",\"facility\":\"user\","
	       "\"hostname\":\"%s\",\"app_name\":\"%s\",\"procid\":\"%d\",\"msgid\":\"auth\",\"msg\":\"%s\","
	       "\"method\":\"%s\",\"valid\":%s,\"user\":\"%s\",\"remote_ip\":\"%s\",\"remote_port\":%d,"
	       "\"protocol\":\"%s\",\"info\":\"%s\",\"attempt\":%d}",
	       "host", "bench", 4711, login.msg, login.method, login.valid ? "true" : "false", login.user, login.ip,
	       login.port, login.protocol, login.info, login.attempt);
}

static void with_slog(void)
{
	slog_info("auth", "msg", login.msg, "method", login.method, "valid", login.valid, "user", login.user, "remote_ip",
	          login.ip, "remote_port", login.port, "protocol", login.protocol, "info", login.info, "attempt",
	          login.attempt);
}

/* What no library can go below: the same octets, and nothing but the system call. */
static void with_send(void)
{
	static int fd = -1;
	static char text[378]; /* as long as the others' */
	struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "/dev/log"};
	if (fd < 0) {
		fd = socket(AF_UNIX, SOCK_DGRAM, 0);
		if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0)
			exit(2);
		memset(text, 'x', sizeof text);
	}
	send(fd, text, sizeof text, 0);
}

static int no_flush(void)
{
	return 0;
}

struct cost {
	double wall;
	double cpu; /* of the callers and the worker, not of the reader */
};

static double seconds(clockid_t clock)
{
	struct timespec now;
	clock_gettime(clock, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static clockid_t reader_clock;

/* Lets the reader catch up. */
static void wait_for_reader(unsigned long wanted)
{
	double until = seconds(CLOCK_MONOTONIC) + 1;
	while (atomic_load(&received) < wanted && seconds(CLOCK_MONOTONIC) < until)
		usleep(20);
}

static struct cost measure(void (*call)(void), int (*flush)(void))
{
	struct cost cost = {0, 0};
	for (int burst = 0; burst < BURSTS; burst++) {
		unsigned long before = atomic_load(&received);
		double wall = seconds(CLOCK_MONOTONIC);
		double cpu = seconds(CLOCK_PROCESS_CPUTIME_ID) - seconds(reader_clock);
		for (int i = 0; i < BURST; i++)
			call();
		flush();
		cost.wall += seconds(CLOCK_MONOTONIC) - wall;
		cost.cpu += seconds(CLOCK_PROCESS_CPUTIME_ID) - seconds(reader_clock) - cpu;
		wait_for_reader(before + BURST);
	}
	return cost;
}

static struct cost measure_slog(struct slog_sink *sink)
{
	const struct slog_options options = {.size = sizeof options, .app_name = "bench", .hostname = "host", .sink = sink};
	if (slog_open(&options) != 0)
		exit(2);
	struct cost cost = measure(with_slog, slog_flush);
	slog_close();
	return cost;
}

/* ---- ratios ------------------------------------------------------------------------------------------------------- */

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static double median(double *ratios, int n)
{
	qsort(ratios, (size_t)n, sizeof *ratios, by_size);
	return ratios[n / 2];
}

static bool tell(const char *what, double *cpu, int rounds, double target)
{
	double ratio = median(cpu, rounds);
	printf("%-58s %8.3f %-5s %-8s %-4g %s\n", what, ratio, "x", "at most", target, ratio <= target ? "yes" : "MISSED");
	return ratio <= target;
}

int main(int argc, char **argv)
{
	static double wall[3][ROUNDS_MAX], cpu[3][ROUNDS_MAX], us[ROUNDS_MAX];
	int rounds = argc > 1 ? atoi(argv[1]) : ROUNDS;
	pthread_t reader;
	if (rounds < 1 || rounds > ROUNDS_MAX)
		rounds = ROUNDS;
	if (!make_dev_log()) {
		fprintf(stderr, "bench_sinks: cannot make a /dev/log of its own: %s\n", strerror(errno));
		return 0;
	}
	pthread_create(&reader, NULL, read_for_ever, NULL);
	pthread_getcpuclockid(reader, &reader_clock);
	openlog("bench", LOG_PID, LOG_USER);
	for (int i = 0; i < rounds; i++) {
		struct cost syslog_cost = measure(with_syslog, no_flush);
		struct cost direct = measure_slog(slog_sink_syslog(NULL, NULL));
		struct cost batched = measure_slog(slog_sink_async(slog_sink_syslog(NULL, NULL), NULL));
		struct cost floor = measure(with_send, no_flush);
		us[i] = syslog_cost.wall * 1e6 / CALLS;
		wall[0][i] = direct.wall / syslog_cost.wall;
		wall[1][i] = batched.wall / syslog_cost.wall;
		cpu[0][i] = direct.cpu / syslog_cost.cpu;
		cpu[1][i] = batched.cpu / syslog_cost.cpu;
		wall[2][i] = floor.wall / syslog_cost.wall;
		cpu[2][i] = floor.cpu / syslog_cost.cpu;
	}
	struct slog_counters counters = {.size = sizeof counters};
	slog_stats(&counters);
	printf("    syslog(): %.2f us elapsed; %d rounds of %d events; %lu received, %llu dropped by liblog\n",
	       median(us, rounds), rounds, CALLS, atomic_load(&received), (unsigned long long)counters.dropped[SLOG_INFO]);
	printf("    elapsed, of syslog()'s: direct %.2f, behind the ring %.2f, send(2) and nothing else %.2f\n",
	       median(wall[0], rounds), median(wall[1], rounds), median(wall[2], rounds));
	printf("    processor time of send(2) and nothing else: %.2f of syslog()'s\n", median(cpu[2], rounds));
	bool met = tell("/dev/log, direct / syslog()", cpu[0], rounds, DIRECT_TARGET);
	met = tell("/dev/log, behind the ring / syslog()", cpu[1], rounds, BATCHED_TARGET) && met;
	met = met && counters.dropped[SLOG_INFO] == 0; /* what is lost would be cheap */
	return met ? EXIT_SUCCESS : EXIT_FAILURE;
}
