/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two relays, each with a spool on a disk of its own, and the steps of a block session between them, one after the other
 * by hand: fence, mark, block, store, answer, cursor. The power goes at every disk operation of either side, with all,
 * nothing, a random part, or each torn part of what was not synced left; and at every step the connection breaks or either
 * side is killed. Afterwards both go on. What the receiver has at the end is what the sender has, each record once and in
 * order, and the equations of both ledgers and of the hop hold. Nothing of this is a sample; each test says how many cases
 * there were.
 */
#include "spool/ledger_sources.h"
#include "spool/spool_stream.h"
#include "support/memory_disk.h"
#include "support/spool_rig.h"

#include <malloc.h>

enum {
	ROUNDS = 14,        /* blocks that the sender stores during the script */
	RECORDS = 37,       /* in each */
	STEPS_MAX = 400,    /* of the protocol; more is a livelock */
};

static unsigned cases;

static void print_cases(const char *what)
{
	printf("%u cases: %s\n", cases, what);
	fflush(stdout);
}

struct end {
	struct memory_disk disk;
	struct rig rig;
	struct spool_cursor *cursor; /* the sender's is that of the stream; the receiver's keeps everything for a look at it */
};

static struct end sender, receiver;

enum state {
	STATE_OPEN = 0,     /* the client connects: the server fences the stream */
	STATE_MARK = 1,     /* the client has the mark */
	STATE_SHIP = 2,     /* the next block is on its way */
	STATE_STORED = 3,   /* the server has answered */
};

/* One session between them. */
struct link {
	enum state state;
	struct spool_stream_session session;
	struct spool_reader *reader;
	struct spool_mark mark;
	struct spool_view shipped;
	uint64_t first, last, checksum; /* of the block that is on its way */
	uint64_t ordinal;
};

static struct link line;
static uint64_t steps;
static unsigned forks;
static bool careless; /* the client sends again what it has no answer for, whatever the mark says: the server must know it */

static void open_end(struct end *end)
{
	rig_open_ok(&end->rig);
	end->cursor = rig_cursor(&end->rig, "next", SPOOL_FROM_OLDEST, SPOOL_HOLD);
}

static void hang_up(void)
{
	spool_reader_close(&line.reader);
	line = (struct link){0};
}

static void close_end(struct end *end)
{
	hang_up();
	end->disk.off = true;
	spool_cursor_close(&end->cursor);
	spool_close(&end->rig.spool);
}

/* The process is gone, and is started again. */
static void kill_end(struct end *end)
{
	close_end(end);
	memory_disk_kill(&end->disk);
	open_end(end);
}

/* ---- the steps ---- */

static bool step_open(void)
{
	uint64_t checksum;
	line.session = (struct spool_stream_session){.identity = "sender", .number = spool_stream_draw()};
	if (!spool_cursor_stream(sender.cursor, line.session.stream, &checksum)) {
		keeper_turn(sender.rig.spool); /* a new id is synced before it is used */
		return true;
	}
	if (!spool_stream_fence(receiver.rig.spool, 0, &line.session, &line.ordinal))
		return false;
	if (!writer_turn(receiver.rig.spool))
		return false;
	ck_assert_int_eq(spool_stream_look(receiver.rig.spool, &line.session, &line.mark, NULL), SPOOL_STREAM_HOLDS);
	line.state = STATE_MARK;
	return true;
}

/* Rule 27: the checksum of our own block that ends at the mark. */
static bool is_ours(uint64_t last, uint64_t checksum)
{
	struct spool_view view;
	struct spool_reader *reader = spool_reader_open(sender.rig.spool, last);
	bool ours = last <= spool_stored(sender.rig.spool) && spool_read(reader, &view) == SPOOL_READ_BLOCK &&
	            view.last == last && view.payload_checksum == checksum;
	spool_reader_close(&reader);
	return ours;
}

static void deliver(uint64_t sequence)
{
	rig_deliver(sender.cursor, sequence);
	keeper_turn(sender.rig.spool);
}

static bool step_mark(void)
{
	uint64_t delivered = spool_cursor_delivered(sender.cursor);
	if (line.mark.sequence > delivered && !is_ours(line.mark.sequence, line.mark.checksum)) {
		forks++;
		spool_cursor_fork(sender.cursor);
		hang_up();
		return true;
	}
	if (line.mark.sequence > delivered && !careless)
		deliver(line.mark.sequence);
	line.reader = spool_reader_open(sender.rig.spool, spool_cursor_delivered(sender.cursor) + 1);
	line.state = STATE_SHIP;
	return true;
}

/* False when there is nothing more to ship. */
static bool step_ship(void)
{
	struct spool_view view;
	if (spool_read(line.reader, &view) != SPOOL_READ_BLOCK)
		return false;
	struct spool_block *block =
		spool_take_block(receiver.rig.spool, 0, SPOOL_BLOCK_WAITS, (unsigned)receiver.rig.input, view.base_ns);
	if (block == NULL)
		return false;
	const struct spool_stream_block shipped = {
		.first = view.first, .last = view.last, .total = view.last, .records = view.count,
		.unpacked_len = view.unpacked_len, .codec = view.codec, .base_ns = view.base_ns,
		.checksum = view.payload_checksum,
	};
	line.last = view.last;
	line.ordinal = spool_stream_submit(receiver.rig.spool, block, &line.session, &shipped, view.packed);
	if (!writer_turn(receiver.rig.spool))
		return false;
	ck_assert_uint_ge(spool_worker_stored(receiver.rig.spool, 0), line.ordinal);
	ck_assert_int_eq(spool_stream_look(receiver.rig.spool, &line.session, &line.mark, NULL), SPOOL_STREAM_HOLDS);
	line.state = STATE_STORED;
	return true;
}

static bool step_stored(void)
{
	ck_assert_uint_ge(line.mark.sequence, line.last); /* what is answered is stored */
	deliver(line.last);
	line.state = STATE_SHIP;
	return true;
}

/* One step; false if nothing can be done. */
static bool step(void)
{
	ck_assert_uint_lt(++steps, STEPS_MAX);
	switch (line.state) {
	case STATE_OPEN:
		return step_open();
	case STATE_MARK:
		return step_mark();
	case STATE_SHIP:
		return step_ship();
	case STATE_STORED:
		return step_stored();
	}
	return false;
}

/* ---- the script ---- */

struct fault {
	struct end *end;        /* whose power goes at `cut_at`, or who is killed at `kill_at`; NULL: the line breaks */
	uint64_t cut_at;        /* operation of its disk */
	uint64_t kill_at;       /* step of the protocol */
	enum memory_disk_keep keep;
	uint64_t seed;
	bool picks;             /* then it is not `keep` that says what is left, but these */
	enum memory_disk_pick pick;
	unsigned n;
};

static unsigned strikes;  /* of the fault, in one play */
static unsigned unsynced; /* things, when the power went */

/* The power goes; what the disk has of the unsynced is said by the fault. */
static void cut_power(const struct fault *fault)
{
	struct end *end = fault->end;
	close_end(end);
	unsynced = memory_disk_unsynced(&end->disk);
	if (fault->picks)
		memory_disk_power_cut_picking(&end->disk, fault->pick, fault->n);
	else
		memory_disk_power_cut(&end->disk, fault->keep, fault->seed);
	open_end(end);
}

static void strike(const struct fault *fault)
{
	bool cut = fault->cut_at > 0 && fault->end->disk.off;
	bool now = fault->kill_at > 0 && fault->kill_at == steps && strikes == 0;
	if (cut)
		cut_power(fault);
	else if (now && fault->end != NULL)
		kill_end(fault->end);
	else if (now)
		hang_up();
	strikes += cut || now;
}

static void play(const struct fault *fault)
{
	uint64_t stored = 0;
	steps = 0;
	forks = 0;
	strikes = 0;
	memory_disk_init(&sender.disk);
	memory_disk_init(&receiver.disk);
	rig_init(&sender.rig, "sender", &sender.disk.disk);
	rig_init(&receiver.rig, "receiver", &receiver.disk.disk);
	open_end(&sender);
	open_end(&receiver);
	if (fault->cut_at > 0) {
		memory_disk_heal(&fault->end->disk);
		fault->end->disk.fault_ops = MEMORY_DISK_ANY;
		fault->end->disk.cut_at = fault->cut_at;
	}
	/* The sender's own messages come between the steps; one that was not stored comes again, as any originator's would. */
	for (unsigned idle = 0; idle < 3;) {
		if (stored < ROUNDS * RECORDS) {
			sender.rig.submitted = spool_stored(sender.rig.spool);
			(void)rig_store(&sender.rig, RECORDS);
			strike(fault);
			stored = spool_stored(sender.rig.spool);
		}
		bool done = step();
		idle = done || stored < ROUNDS * RECORDS ? 0 : idle + 1;
		strike(fault);
	}
}

/* The spool's equations: last sequence = stored + unused, and = retained + released + damaged. */
static void check_ledger(struct end *end)
{
	struct spool_input_totals totals;
	struct spool_sums sums;
	uint64_t stored = spool_stored(end->rig.spool);
	spool_input_totals(end->rig.spool, (unsigned)end->rig.input, &totals);
	spool_sums(end->rig.spool, &sums);
	ck_assert_uint_eq(totals.stored + sums.unused + sums.unattributed, stored);
	ck_assert_uint_eq(stored + 1 - spool_first(end->rig.spool) + sums.released + sums.damaged, stored);
	ck_assert_uint_eq(sums.unattributed + sums.damaged, 0);
}

static void check_receiver(const struct fault *fault)
{
	uint64_t stored = spool_stored(sender.rig.spool);
	ck_assert_uint_eq(spool_cursor_delivered(sender.cursor), stored);
	/* Each record says its number, which at the receiver is its sequence if nothing is lost, doubled or out of order. */
	ck_assert_msg(spool_stored(receiver.rig.spool) == stored, "cut at %llu, kill at %llu: %llu stored, %llu shipped",
	              (unsigned long long)fault->cut_at, (unsigned long long)fault->kill_at,
	              (unsigned long long)spool_stored(receiver.rig.spool), (unsigned long long)stored);
	ck_assert_uint_eq(rig_read_all(&receiver.rig, 1).records, stored);
	ck_assert_uint_eq(forks, 0);
	check_ledger(&sender);
	check_ledger(&receiver);
	struct spool_output_totals sent;
	spool_cursor_totals(sender.cursor, &sent);
	ck_assert_uint_eq(spool_cursor_start(sender.cursor) + sent.delivered, stored);
	spool_check(receiver.rig.spool);
	spool_check(sender.rig.spool);

	/* The mark outlives any number of starts, though its block is then in none of the newest segments. */
	struct spool_stream_session session = {.identity = "sender"};
	struct spool_mark mark;
	uint64_t checksum;
	spool_cursor_stream(sender.cursor, session.stream, &checksum);
	for (unsigned i = 0; i < 3; i++)
		kill_end(&receiver);
	(void)spool_stream_look(receiver.rig.spool, &session, &mark, NULL);
	ck_assert_uint_eq(mark.sequence, stored);
	ck_assert_uint_eq(mark.count, sent.delivered); /* the hop: the sender's cumulative count is what is stored */
	cases++;
}

static void finish(void)
{
	hang_up();
	spool_cursor_close(&sender.cursor);
	spool_cursor_close(&receiver.cursor);
	spool_close(&sender.rig.spool);
	spool_close(&receiver.rig.spool);
	memory_disk_free(&sender.disk);
	memory_disk_free(&receiver.disk);
}

/* Plays the script with the power going at each operation of this end. */
static void cut_everywhere(struct end *end, enum memory_disk_keep keep)
{
	for (uint64_t at = 1;; at++) {
		const struct fault fault = {.end = end, .cut_at = at, .keep = keep, .seed = at};
		play(&fault);
		check_receiver(&fault);
		finish();
		if (strikes == 0)
			return;
		ck_assert_uint_lt(at, 5000);
	}
}

/* The same, with every part that a torn write leaves, and every single thing missing. */
static void tear_everywhere(struct end *end)
{
	struct fault fault = {.end = end, .cut_at = 1, .picks = true};
	for (strikes = 1; strikes > 0; fault.cut_at++) {
		unsynced = 0;
		fault.pick = MEMORY_DISK_PICK_FIRST;
		for (fault.n = 0; fault.n <= unsynced && strikes > 0; fault.n++) {
			play(&fault);
			check_receiver(&fault);
			finish();
		}
		fault.pick = MEMORY_DISK_PICK_ALL_BUT;
		for (fault.n = 0; fault.n + 1 < unsynced && strikes > 0; fault.n++) {
			play(&fault);
			check_receiver(&fault);
			finish();
		}
		ck_assert_uint_lt(fault.cut_at, 5000);
	}
}

START_TEST(power_goes_at_every_operation_of_the_receiver)
{
	cut_everywhere(&receiver, (enum memory_disk_keep)_i);
	print_cases("a power cut at each operation of the receiver");
}
END_TEST

START_TEST(what_either_end_wrote_last_is_torn_at_every_sector)
{
	tear_everywhere(_i == 0 ? &receiver : &sender);
	print_cases(_i == 0 ? "the receiver's unsynced writes torn behind each sector, and each sector missing"
	                    : "the sender's unsynced writes torn behind each sector, and each sector missing");
}
END_TEST

START_TEST(what_is_sent_again_after_a_power_cut_is_known_without_the_clients_help)
{
	careless = true;
	cut_everywhere(_i == 0 ? &receiver : &sender, MEMORY_DISK_KEEP_RANDOM);
	careless = false;
	print_cases("a power cut at each operation, and a client that sends all again that it has no answer for");
}
END_TEST

START_TEST(power_goes_at_every_operation_of_the_sender)
{
	cut_everywhere(&sender, (enum memory_disk_keep)_i);
	print_cases("a power cut at each operation of the sender");
}
END_TEST

START_TEST(either_end_is_killed_or_the_line_breaks_at_every_step)
{
	struct end *const ends[] = {NULL, &sender, &receiver};
	strikes = 1;
	for (uint64_t at = 1; strikes > 0; at++) {
		const struct fault fault = {.end = ends[_i], .kill_at = at};
		play(&fault);
		check_receiver(&fault);
		finish();
	}
	ck_assert_uint_gt(cases, ROUNDS);
	print_cases(_i == 0 ? "the line breaks at each step" : _i == 1 ? "the sender is killed at each step"
	                                                               : "the receiver is killed at each step");
}
END_TEST

int main(void)
{
	/* Disks are made thousands of times: their memory is kept, not given back to the kernel each time. */
	mallopt(M_MMAP_THRESHOLD, 32 << 20); /* as much as there may be */
	mallopt(M_TRIM_THRESHOLD, 512 << 20);
	Suite *suite = suite_create("stream_power_cut");
	TCase *tests = tcase_create("stream_power_cut");
	tcase_set_timeout(tests, 240);
	tcase_add_loop_test(tests, power_goes_at_every_operation_of_the_receiver, MEMORY_DISK_KEEP_NONE,
	                    MEMORY_DISK_KEEP_RANDOM + 1);
	tcase_add_loop_test(tests, power_goes_at_every_operation_of_the_sender, MEMORY_DISK_KEEP_NONE,
	                    MEMORY_DISK_KEEP_RANDOM + 1);
	tcase_add_loop_test(tests, what_either_end_wrote_last_is_torn_at_every_sector, 0, 2);
	tcase_add_loop_test(tests, what_is_sent_again_after_a_power_cut_is_known_without_the_clients_help, 0, 2);
	tcase_add_loop_test(tests, either_end_is_killed_or_the_line_breaks_at_every_step, 0, 3);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
