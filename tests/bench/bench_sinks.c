/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What it costs to get an event into the local syslog socket, against glibc's syslog() with the same text: liblog called
 * directly, and behind the ring. A thread of this program reads the socket all the time, as a daemon would.
 *
 * Events come in bursts that the socket's queue can hold, so that nobody waits for the reader; after each one the reader
 * catches up, and the program rests. The rows run in turn, several rounds in one process, and the median of the rounds'
 * ratios is given, because the machine's speed drifts. The measure is processor time, of the clocks of the threads
 * themselves (that of the process lags behind what its running threads have used): of the calls, and behind the ring of the
 * worker too, in all that it does until the reader has everything. The targets: direct 0.65, behind the ring 0.5 of
 * syslog(). What the caller waits for is printed beside it.
 *
 * glibc sends only to /dev/log: the program makes namespaces of its own, puts its socket there, and has a longer queue
 * in them. That needs root; without it nothing is measured.
 *
 * Usage: bench_sinks [rounds]. Exit status 1 if a target is missed.
 */
#include <liblog/sink.h>

#include <dirent.h>
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

enum { ROUNDS = 15, ROUNDS_MAX = 101, BURSTS = 100, BURST = 100, CALLS = BURSTS * BURST, REST_US = 1500 };
enum { BATCH = 64, DATAGRAM_MAX = 8192 }; /* of the reader */

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

struct cost {
	double wall; /* of the calls */
	double cpu;  /* of the calls and of the worker */
};

static double seconds(clockid_t clock)
{
	struct timespec now;
	clock_gettime(clock, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* The clock of the ring's worker, which is found by its name; -1 if there is none. The kernel makes clocks of threads so. */
static clockid_t worker_clock(void)
{
	enum { PER_THREAD = 4, CPU_TIME = 2 };
	clockid_t clock = -1;
	DIR *threads = opendir("/proc/self/task");
	for (struct dirent *entry; threads != NULL && (entry = readdir(threads)) != NULL;) {
		char path[64 + sizeof entry->d_name], name[16] = "";
		snprintf(path, sizeof path, "/proc/self/task/%s/comm", entry->d_name);
		FILE *file = fopen(path, "r");
		if (file == NULL)
			continue;
		if (fgets(name, sizeof name, file) != NULL && strcmp(name, "liblog\n") == 0)
			clock = (clockid_t)(~(unsigned)atoi(entry->d_name) << 3 | PER_THREAD | CPU_TIME);
		fclose(file);
	}
	if (threads != NULL)
		closedir(threads);
	return clock;
}

/* Lets the reader catch up. Rests first, so that looking does not take a processor from those who work. */
static void wait_for_reader(unsigned long wanted)
{
	usleep(REST_US);
	double until = seconds(CLOCK_MONOTONIC) + 1;
	while (atomic_load(&received) < wanted && seconds(CLOCK_MONOTONIC) < until)
		usleep(20);
}

static struct cost measure(void (*call)(void), clockid_t worker)
{
	struct cost cost = {0, worker != -1 ? -seconds(worker) : 0};
	for (int burst = 0; burst < BURSTS; burst++) {
		unsigned long before = atomic_load(&received);
		double wall = seconds(CLOCK_MONOTONIC);
		double cpu = seconds(CLOCK_THREAD_CPUTIME_ID);
		for (int i = 0; i < BURST; i++)
			call();
		cost.cpu += seconds(CLOCK_THREAD_CPUTIME_ID) - cpu;
		cost.wall += seconds(CLOCK_MONOTONIC) - wall;
		wait_for_reader(before + BURST);
	}
	cost.cpu += worker != -1 ? seconds(worker) : 0;
	return cost;
}

static struct cost measure_slog(struct slog_sink *sink, bool is_ring)
{
	const struct slog_options options = {.size = sizeof options, .app_name = "bench", .hostname = "host", .sink = sink};
	if (slog_open(&options) != 0)
		exit(2);
	unsigned long before = atomic_load(&received);
	with_slog(); /* the first event starts the worker */
	wait_for_reader(before + 1);
	clockid_t worker = worker_clock();
	if (is_ring != (worker != -1))
		exit(2);
	struct cost cost = measure(with_slog, worker);
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
	openlog("bench", LOG_PID, LOG_USER);
	for (int i = 0; i < rounds; i++) {
		struct cost syslog_cost = measure(with_syslog, -1);
		struct cost direct = measure_slog(slog_sink_syslog(NULL, NULL), false);
		struct cost batched = measure_slog(slog_sink_async(slog_sink_syslog(NULL, NULL), NULL), true);
		struct cost floor = measure(with_send, -1);
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
	printf("    what the caller waits, of syslog()'s: direct %.2f, behind the ring %.2f, send(2) and nothing else %.2f\n",
	       median(wall[0], rounds), median(wall[1], rounds), median(wall[2], rounds));
	printf("    processor time of send(2) and nothing else: %.2f of syslog()'s\n", median(cpu[2], rounds));
	bool met = tell("/dev/log, direct / syslog()", cpu[0], rounds, DIRECT_TARGET);
	met = tell("/dev/log, behind the ring / syslog()", cpu[1], rounds, BATCHED_TARGET) && met;
	met = met && counters.dropped[SLOG_INFO] == 0; /* what is lost would be cheap */
	return met ? EXIT_SUCCESS : EXIT_FAILURE;
}
