/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The driver `file`: appends one line per message, many lines per write. Delivered means synced: `delivered` moves after an
 * fdatasync, at most one per interval or after so many octets. What was written and not synced when the machine or the
 * relay stopped is written again after the start: at least once, a line may stand in the file twice.
 *
 * The file holds whole lines only: what a failed write left of a line is cut off before anything else is written. A line
 * that others left unfinished is ended, never removed.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/backoff.h"
#include "base/clock.h"
#include "frame/non_transparent_framing.h"
#include "output/appended_file.h"
#include "output/link.h"
#include "output/sender.h"
#include "output/timer.h"

enum {
	GATHER_BYTES = 256 * 1024,        /* per write */
	CACHED_BYTES = 4 * 1024 * 1024,   /* of the file's end, which stay in memory for whoever reads along */
	FORGOTTEN_BYTES = 1024 * 1024,    /* they are given back so much at a time */
	PENDING_RUNS_MAX = 4096,
	LF_REPLACEMENT = ' ',
	PERMISSIONS_DIGITS_MAX = 4,
};

struct file_settings {
	struct output_common common;
	char *path;
	char *permissions;
	uint64_t sync_interval_ns;
	uint64_t sync_size;
	unsigned format;
};

static const struct option rows[] = {
	OUTPUT_COMMON_ROWS,
	{.name = "path", .kind = OPTION_TEXT, .offset = offsetof(struct file_settings, path), .required = true,
	 .doc = "The file to append to; made if it is not there, opened again on SIGHUP."},
	{.name = "permissions", .kind = OPTION_TEXT, .offset = offsetof(struct file_settings, permissions),
	 .preset = "0640", .doc = "Of a file that is made, in octal."},
	{.name = "sync_interval", .kind = OPTION_DURATION, .offset = offsetof(struct file_settings, sync_interval_ns),
	 .preset = "1s", .min = CLOCK_NS_PER_MS, .max = 60 * CLOCK_NS_PER_SECOND,
	 .doc = "What was written is synced to the disk after this time at the latest; only then it is delivered."},
	{.name = "sync_size", .kind = OPTION_SIZE, .offset = offsetof(struct file_settings, sync_size), .preset = "16MiB",
	 .min = 64 * 1024, .max = 1u << 30, .doc = "It is synced earlier when so much was written."},
	ENCODER_FORMAT_ROW(struct file_settings, format, "rfc5424"),
	{.name = NULL},
};

struct file_output {
	struct output base;
	const struct file_settings *settings;
	mode_t mode;
	int fd;                   /* -1: not open */
	struct sender *sender;
	struct buffer lines;      /* not written yet; begins at a line's begin */
	uint64_t written;         /* sequence of the last message that is in the file wholly */
	uint64_t gathered;        /* of the last one that is in `lines` or in the file */
	uint64_t unsynced;        /* octets */
	off_t forgotten;          /* from where the file was opened up to here, its pages were given back */
	bool failed;              /* waits for the retry */
	struct timer *retry;
	struct timer *sync;
	struct backoff backoff;
};

static bool read_permissions(const char *text, mode_t *mode)
{
	char *end;
	size_t len = strlen(text);
	unsigned long value = strtoul(text, &end, 8);
	*mode = (mode_t)value;
	return len > 0 && len <= PERMISSIONS_DIGITS_MAX && text[0] >= '0' && text[0] <= '7' && *end == '\0' && value <= 0777;
}

static bool check(const void *settings, char *error)
{
	const struct file_settings *file = settings;
	mode_t mode;
	if (!output_common_check(&file->common, error) || !encoder_check(file->format, &file->common, error))
		return false;
	if (file->path[0] != '/') {
		snprintf(error, OUTPUT_ERROR_MAX_BYTES, "path: \"%.200s\" does not begin with /", file->path);
		return false;
	}
	if (!read_permissions(file->permissions, &mode)) {
		snprintf(error, OUTPUT_ERROR_MAX_BYTES, "permissions: \"%.40s\" is no octal number from 0 to 0777, such as 0640",
		         file->permissions);
		return false;
	}
	return true;
}

/* --- the file ---------------------------------------------------------------------------------------------------- */

/* From now on lines go to this descriptor. */
static void write_to(struct file_output *file, int fd)
{
	struct stat about;
	file->fd = fd;
	file->forgotten = fd >= 0 && fstat(fd, &about) == 0 ? about.st_size : 0;
}

static void close_output(struct output **closing)
{
	struct file_output *file = (struct file_output *)*closing;
	if (file == NULL)
		return;
	*closing = NULL;
	assert(file->sender == NULL);
	if (file->fd >= 0)
		close(file->fd);
	buffer_free(&file->lines);
	output_base_free(&file->base);
	free(file);
}

static struct output *open_output(const struct output_setup *setup, char *error)
{
	struct file_output *file = calloc(1, sizeof *file);
	if (file == NULL) {
		snprintf(error, OUTPUT_ERROR_MAX_BYTES, "there is no memory for the output");
		return NULL;
	}
	output_base_init(&file->base, &output_file, setup);
	file->settings = setup->settings;
	buffer_init(&file->lines, GATHER_BYTES + 2 * ENCODER_MESSAGE_MAX_BYTES);
	file->backoff = (struct backoff){.min_ns = LINK_BACKOFF_MIN_NS, .max_ns = LINK_BACKOFF_MAX_NS};
	read_permissions(file->settings->permissions, &file->mode);
	int fd = appended_file_open(file->settings->path, file->mode, error);
	/* A full disk is no reason not to start: inputs take messages, and this output waits for room as it does later. */
	bool is_wrong = fd < 0 && !appended_file_wants_room(errno);
	write_to(file, fd);
	struct output *output = &file->base;
	if (is_wrong)
		close_output(&output);
	return output;
}

/* --- writing and syncing ----------------------------------------------------------------------------------------- */

/* Waits. What was gathered stays, what was not synced is still in the spool: nothing is lost. */
static void wait_then_retry(struct file_output *file)
{
	uint64_t delay = backoff_next(&file->backoff, (uint32_t)(clock_monotonic_ns() * 0x9E3779B1u));
	file->failed = true;
	output_state(&file->base, "waiting %.1f s", (double)delay / (double)CLOCK_NS_PER_SECOND);
	timer_set(file->retry, delay);
}

static void fail(struct file_output *file, const char *what, int error)
{
	output_trouble(&file->base, "output_write_failed", "cannot %s %s: %s%s", what, file->settings->path, strerror(error),
	               appended_file_wants_room(error) ? "; make room, the output goes on by itself" : "");
	wait_then_retry(file);
}

/*
 * After a failed write: takes back what it left of a line. True if the file ends in a whole line again. `put` octets of
 * `lines` were written before it failed.
 */
static bool cut_back(struct file_output *file, size_t put)
{
	struct bytes written = bytes_first(buffer_peek(&file->lines), put);
	size_t whole = written.len;
	while (whole > 0 && written.at[whole - 1] != '\n')
		whole--;
	struct stat about;
	if (whole < put && (fstat(file->fd, &about) != 0 || ftruncate(file->fd, about.st_size - (off_t)(put - whole)) != 0))
		return false;
	buffer_consume(&file->lines, whole);
	file->unsynced += whole;
	return true;
}

/* Nothing that is not synced counts: it is read from the spool and written again, into the file opened anew. */
static void start_over(struct file_output *file)
{
	if (file->fd >= 0)
		close(file->fd);
	file->fd = -1;
	buffer_free(&file->lines);
	file->unsynced = 0;
	file->written = file->gathered = 0;
	sender_rewind(file->sender);
}

static bool write_lines(struct file_output *file)
{
	struct bytes lines = buffer_peek(&file->lines);
	size_t put = 0;
	while (put < lines.len) {
		ssize_t result = write(file->fd, lines.at + put, lines.len - put);
		if (result > 0) {
			put += (size_t)result;
			continue;
		}
		if (result < 0 && errno == EINTR)
			continue;
		int error = result == 0 ? ENOSPC : errno;
		if (!cut_back(file, put))
			start_over(file);
		fail(file, "write to", error);
		return false;
	}
	buffer_consume(&file->lines, lines.len);
	file->unsynced += lines.len;
	file->written = file->gathered;
	return true;
}

/*
 * Gives the pages back to the kernel that are on the disk, but for the last ones. A log is written once and hardly ever
 * read: its pages would push out those of other programs, and filling pages that nobody used lately is the larger part of
 * what writing costs, above all on a virtual machine, whose host has to find the memory first.
 */
static void forget_pages(struct file_output *file)
{
	struct stat about;
	if (fstat(file->fd, &about) != 0)
		return;
	if (file->forgotten > about.st_size)
		file->forgotten = about.st_size; /* somebody cut the file */
	off_t end = about.st_size - CACHED_BYTES;
	end -= end % FORGOTTEN_BYTES; /* the kernel keeps a page of which only a part is meant */
	if (end < file->forgotten + FORGOTTEN_BYTES)
		return;
	(void)posix_fadvise(file->fd, file->forgotten, end - file->forgotten, POSIX_FADV_DONTNEED);
	file->forgotten = end;
}

/* Makes what is written durable; then it is delivered. */
static bool sync_file(struct file_output *file)
{
	if (file->unsynced == 0)
		return true;
	if (fdatasync(file->fd) != 0) {
		/* The kernel may have dropped the pages: what is not known to be on the disk is written again. */
		int error = errno;
		start_over(file);
		fail(file, "sync", error);
		return false;
	}
	file->unsynced = 0;
	forget_pages(file);
	sender_settle_through(file->sender, file->written);
	if (!file->failed)
		backoff_reset(&file->backoff);
	return true;
}

static void on_sync(void *context)
{
	struct file_output *file = context;
	if (sync_file(file))
		sender_resume(file->sender);
}

static void sync_now(struct file_output *file)
{
	timer_unset(file->sync);
	sync_file(file);
}

static void flush(void *context)
{
	struct file_output *file = context;
	if (file->failed || buffer_len(&file->lines) == 0 || !write_lines(file))
		return;
	if (file->unsynced >= file->settings->sync_size) {
		sync_now(file);
	} else if (!timer_is_set(file->sync)) {
		timer_set(file->sync, file->settings->sync_interval_ns);
	}
}

/* Many small blocks came within one sync_interval. */
static void settle(void *context)
{
	struct file_output *file = context;
	flush(file);
	if (!file->failed)
		sync_now(file);
}

static unsigned send_run(void *context, uint64_t first, const struct bytes *messages, unsigned count)
{
	struct file_output *file = context;
	uint64_t replaced = 0;
	unsigned taken = 0;
	if (buffer_len(&file->lines) >= GATHER_BYTES)
		flush(file);
	if (file->failed)
		return 0;
	for (; taken < count && buffer_len(&file->lines) < GATHER_BYTES; taken++) {
		uint8_t *room = buffer_reserve(&file->lines, messages[taken].len + 1);
		if (room == NULL) {
			sender_retry(file->sender);
			break;
		}
		buffer_commit(&file->lines, non_transparent_write(messages[taken], LF_REPLACEMENT, room, &replaced));
	}
	if (replaced > 0)
		atomic_fetch_add_explicit(&file->base.replaced_octets, replaced, memory_order_relaxed);
	if (taken > 0)
		file->gathered = first + taken - 1;
	return taken;
}

static void on_retry(void *context)
{
	struct file_output *file = context;
	char error[OUTPUT_ERROR_MAX_BYTES];
	if (file->fd < 0)
		write_to(file, appended_file_open(file->settings->path, file->mode, error));
	if (file->fd < 0) {
		output_trouble(&file->base, "output_write_failed", "%s", error);
		wait_then_retry(file);
		return;
	}
	file->failed = false;
	flush(file);
	if (file->failed)
		return;
	output_well(&file->base);
	output_state(&file->base, "writing");
	sender_resume(file->sender);
}

/* --- starting, reopening, stopping ------------------------------------------------------------------------------- */

static void close_all(struct file_output *file)
{
	timer_close(&file->retry);
	timer_close(&file->sync);
	sender_close(&file->sender);
}

static void start_here(void *context)
{
	struct file_output *file = context;
	struct worker *worker = file->base.setup.worker;
	const struct sender_transport transport = {.send_run = send_run, .flush = flush, .settle = settle, .context = file};
	file->sender = sender_open(&file->base, ACCOUNT_THROUGH, PENDING_RUNS_MAX, file->settings->format, &transport);
	file->retry = timer_open(worker, on_retry, file);
	file->sync = timer_open(worker, on_sync, file);
	if (file->sender == NULL || file->retry == NULL || file->sync == NULL) {
		close_all(file);
		output_state(&file->base, "failed");
		return;
	}
	output_peer(&file->base, file->settings->path);
	if (file->fd < 0) {
		on_retry(file);
		return;
	}
	output_state(&file->base, "writing");
	sender_resume(file->sender);
}

static void start(struct output *output)
{
	output_base_start(output, start_here);
}

struct reopening {
	struct file_output *file;
	char *error;
	bool done;
};

static void reopen_here(void *context)
{
	struct reopening *reopening = context;
	struct file_output *file = reopening->file;
	int fd = appended_file_open(file->settings->path, file->mode, reopening->error);
	if (fd < 0)
		return;
	reopening->done = true;
	/* The old file keeps what was meant for it; what cannot be synced there goes to the new one. */
	if (file->sender != NULL && file->fd >= 0) {
		flush(file);
		if (!sync_file(file) || file->failed)
			start_over(file);
		sender_publish(file->sender);
	}
	if (file->fd >= 0)
		close(file->fd);
	write_to(file, fd);
	if (file->failed)
		timer_set(file->retry, 0);
}

static bool reload(struct output *output, char *error)
{
	struct reopening reopening = {.file = (struct file_output *)output, .error = error};
	if (!output->started || !worker_call(output->setup.worker, reopen_here, &reopening))
		reopen_here(&reopening);
	return reopening.done;
}

static void stop_here(void *context)
{
	struct file_output *file = context;
	if (file->sender != NULL) {
		sender_stop(file->sender);
		flush(file);
		sync_file(file);
		sender_publish(file->sender);
		close_all(file);
	}
	output_stopped(&file->base);
}

static void stop(struct output *output, void (*stopped)(void *context), void *context)
{
	output_base_stop(output, stop_here, stopped, context);
}

const struct output_driver output_file = {
	.type = "file",
	.doc = "Appends a line per message to a file; delivered means that it was synced to the disk; of the page cache its "
	       "last 4 MiB are kept and the rest is given back, so that logs do not push out other programs' files.",
	.confirmed = true,
	.options = rows,
	.settings_size = sizeof(struct file_settings),
	.check = check,
	.open = open_output,
	.start = start,
	.reload = reload,
	.stop = stop,
	.status = output_base_status,
	.close = close_output,
};
