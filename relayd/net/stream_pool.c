/* SPDX-License-Identifier: Apache-2.0 */
#include "net/stream_pool.h"

#include "base/clock.h"
#include "net/stream_internal.h"
#include "net/worker_internal.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static void free_closed(struct stream_pool *pool)
{
	struct list *link;
	while ((link = list_take_first(&pool->closed)) != NULL)
		stream_free(LIST_ENTRY(link, struct stream, due_link));
}

static void on_next_turn(uv_idle_t *idle)
{
	struct stream_pool *pool = idle->data;
	free_closed(pool);
	/* Only those that are due now: what becomes due meanwhile has its turn after the sockets had theirs. */
	struct list now;
	list_init(&now);
	struct list *link;
	list_append_all(&now, &pool->due);
	uv_idle_stop(idle);
	while ((link = list_take_first(&now)) != NULL)
		stream_serve(LIST_ENTRY(link, struct stream, due_link));
}

static void ask_for_next_turn(struct stream_pool *pool)
{
	if (!uv_is_active((uv_handle_t *)&pool->next_turn))
		uv_idle_start(&pool->next_turn, on_next_turn);
}

void stream_pool_defer(struct stream_pool *pool, struct stream *stream)
{
	if (!list_is_empty(&stream->due_link))
		return;
	list_append(&pool->due, &stream->due_link);
	ask_for_next_turn(pool);
}

void stream_pool_discard(struct stream_pool *pool, struct stream *stream)
{
	assert(stream->state == STREAM_CLOSED);
	pool->streams--;
	list_remove(&stream->due_link);
	list_append(&pool->closed, &stream->due_link);
	ask_for_next_turn(pool);
}

/* --- life -------------------------------------------------------------------------------------------------------- */

struct stream_pool *stream_pool_of(struct worker *worker)
{
	assert(worker_is_current(worker));
	struct stream_pool **slot = worker_stream_pool(worker);
	if (*slot != NULL)
		return *slot;
	struct stream_pool *pool = calloc(1, sizeof(*pool));
	if (pool == NULL)
		return NULL;
	pool->worker = worker;
	pool->read_buffer = malloc(STREAM_READ_BUFFER_BYTES);
	if (pool->read_buffer == NULL || !stream_pool_open_sockets(pool)) {
		free(pool->read_buffer);
		free(pool);
		return NULL;
	}
	pool->pending_max_bytes = STREAM_PENDING_BUDGET_BYTES;
	list_init(&pool->unfinished);
	list_init(&pool->due);
	list_init(&pool->closed);
	list_init(&pool->handshaking);
	list_init(&pool->waiting);
	list_init(&pool->silent);
	list_init(&pool->lingering);
	uv_idle_init(worker_loop(worker), &pool->next_turn);
	uv_timer_init(worker_loop(worker), &pool->handshake_timer);
	pool->next_turn.data = pool->handshake_timer.data = pool;
	pool->handles_open = 3;
	*slot = pool;
	return pool;
}

static void on_handle_closed(uv_handle_t *handle)
{
	struct stream_pool *pool = handle->data;
	if (--pool->handles_open > 0)
		return;
	free_closed(pool);
	close(pool->sockets);
	free(pool->read_buffer);
	free(pool);
}

void stream_pool_close(struct stream_pool **pool)
{
	if (*pool == NULL)
		return;
	assert((*pool)->streams == 0);
	uv_close((uv_handle_t *)&(*pool)->next_turn, on_handle_closed);
	uv_close((uv_handle_t *)&(*pool)->handshake_timer, on_handle_closed);
	uv_close((uv_handle_t *)&(*pool)->sockets_ready, on_handle_closed);
	*pool = NULL;
}

/* --- the budget -------------------------------------------------------------------------------------------------- */

static bool is_unfinished(const struct stream *stream)
{
	return !list_is_empty(&stream->unfinished_link);
}

void stream_pool_add_unfinished(struct stream_pool *pool, struct stream *stream)
{
	stream_pool_remove_unfinished(pool, stream);
	list_append(&pool->unfinished, &stream->unfinished_link);
	pool->unfinished_bytes += stream->pending_size;
}

void stream_pool_remove_unfinished(struct stream_pool *pool, struct stream *stream)
{
	if (!is_unfinished(stream))
		return;
	list_remove(&stream->unfinished_link);
	assert(stream->pending_size <= pool->unfinished_bytes);
	pool->unfinished_bytes -= stream->pending_size;
}

/* Its owner still gets what it left, on the next turn; from now on it does not count any more. */
static void end_slowest(struct stream_pool *pool, struct stream *slowest)
{
	stream_pool_remove_unfinished(pool, slowest);
	stream_pool_give_back(pool, slowest, slowest->pending_size);
	slowest->pending_size = 0;
	stream_end_later(slowest, STREAM_END_PENDING_LIMIT,
					 "its unfinished frame was the slowest when the memory for unfinished frames was spent");
}

/* Room for so many octets more of unfinished frames. */
static bool make_room(struct stream_pool *pool, const struct stream *stream, size_t bytes)
{
	while (pool->unfinished_bytes + bytes > pool->pending_max_bytes && !list_is_empty(&pool->unfinished)) {
		struct stream *slowest = LIST_ENTRY(pool->unfinished.next, struct stream, unfinished_link);
		if (slowest == stream)
			return false;
		end_slowest(pool, slowest);
	}
	return pool->unfinished_bytes + bytes <= pool->pending_max_bytes;
}

bool stream_pool_take(struct stream_pool *pool, struct stream *stream, size_t bytes)
{
	size_t unlisted = is_unfinished(stream) ? 0 : stream->pending_size;
	if (!stream_is_held(stream) && !make_room(pool, stream, unlisted + bytes))
		return false;
	pool->pending_bytes += bytes;
	if (is_unfinished(stream))
		pool->unfinished_bytes += bytes;
	return true;
}

void stream_pool_give_back(struct stream_pool *pool, struct stream *stream, size_t bytes)
{
	assert(bytes <= pool->pending_bytes && (!is_unfinished(stream) || bytes <= pool->unfinished_bytes));
	pool->pending_bytes -= bytes;
	if (is_unfinished(stream))
		pool->unfinished_bytes -= bytes;
}

size_t stream_pool_left(const struct stream_pool *pool)
{
	return pool->pending_bytes < pool->pending_max_bytes ? pool->pending_max_bytes - pool->pending_bytes : 0;
}

size_t stream_pool_read_bytes(const struct stream_pool *pool)
{
	size_t share = stream_pool_left(pool) / 4;
	if (share >= STREAM_READ_BUFFER_BYTES)
		return STREAM_READ_BUFFER_BYTES;
	return share > STREAM_READ_LEAST_BYTES ? share : STREAM_READ_LEAST_BYTES;
}

/* --- handshakes -------------------------------------------------------------------------------------------------- */

static void on_deadline(uv_timer_t *timer);

static struct stream *of_handshake_link(struct list *link)
{
	return LIST_ENTRY(link, struct stream, handshake_link);
}

/* Peers that are slow must not keep others from their turn. */
static uint64_t handshake_deadline_ns(const struct stream_pool *pool, const struct stream *stream)
{
	uint64_t crowded_ns = (uint64_t)STREAM_HANDSHAKE_CROWDED_MS * CLOCK_NS_PER_MS;
	if (list_is_empty(&pool->waiting) || stream->handshake_timeout_ns <= crowded_ns)
		return stream->deadline_ns;
	return stream->deadline_ns - stream->handshake_timeout_ns + crowded_ns;
}

/* Until when the peer may send nothing; those that do nothing must not keep others from their turn either. */
static uint64_t silence_deadline_ns(const struct stream_pool *pool, const struct stream *stream)
{
	if (list_is_empty(&pool->waiting))
		return stream->deadline_ns;
	return stream->last_active_ns + (uint64_t)STREAM_HANDSHAKE_SILENT_MS * CLOCK_NS_PER_MS;
}

/* Whether it is the peer's turn, and not ours: after a long turn its octets lie there, and nobody has looked. */
static bool is_silent(const struct stream *stream)
{
	uint8_t octet;
	return recv(stream->fd, &octet, sizeof(octet), MSG_PEEK | MSG_DONTWAIT) < 0;
}

static bool is_given_up(const struct stream_pool *pool, const struct stream *stream, uint64_t now)
{
	return handshake_deadline_ns(pool, stream) <= now ||
		   (silence_deadline_ns(pool, stream) <= now && is_silent(stream));
}

static void note_first(const struct list *list, uint64_t *first)
{
	if (!list_is_empty(list) && of_handshake_link(list->next)->deadline_ns < *first)
		*first = of_handshake_link(list->next)->deadline_ns;
}

static void set_timer(struct stream_pool *pool)
{
	uint64_t first = UINT64_MAX;
	LIST_FOR_EACH (link, &pool->handshaking) {
		uint64_t deadline_ns = handshake_deadline_ns(pool, of_handshake_link(link));
		uint64_t silence_ns = silence_deadline_ns(pool, of_handshake_link(link));
		first = deadline_ns < first ? deadline_ns : first;
		first = silence_ns < first ? silence_ns : first;
	}
	note_first(&pool->silent, &first);
	note_first(&pool->lingering, &first);
	uv_timer_stop(&pool->handshake_timer);
	if (first == UINT64_MAX)
		return;
	uint64_t now = worker_now_ns(pool->worker);
	/* Rounded up, so that it does not fire just before the deadline. */
	uint64_t ms = first > now ? (first - now) / CLOCK_NS_PER_MS + 1 : 0;
	uv_timer_start(&pool->handshake_timer, on_deadline, ms, 0);
}

static bool is_first_due(const struct list *list, uint64_t now)
{
	return !list_is_empty(list) && of_handshake_link(list->next)->deadline_ns <= now;
}

/* At most STREAM_HANDSHAKES_MAX streams are looked at, and those of the others that are due. */
static void on_deadline(uv_timer_t *timer)
{
	struct stream_pool *pool = timer->data;
	uint64_t now = worker_now_ns(pool->worker);
	LIST_FOR_EACH (link, &pool->handshaking) {
		struct stream *stream = of_handshake_link(link);
		if (is_given_up(pool, stream, now))
			stream_end_later(stream, STREAM_END_HANDSHAKE_TIMEOUT, "the TLS handshake was not finished in time");
	}
	while (is_first_due(&pool->silent, now))
		stream_end_later(of_handshake_link(pool->silent.next), STREAM_END_HANDSHAKE_TIMEOUT,
						 "the peer did not begin the TLS handshake in time");
	while (is_first_due(&pool->lingering, now)) {
		struct stream *stream = of_handshake_link(list_take_first(&pool->lingering));
		stream->is_lingering = false;
		stream_pool_defer(pool, stream);
	}
	set_timer(pool);
}

void stream_pool_expect_handshake(struct stream_pool *pool, struct stream *stream)
{
	assert(stream->state == STREAM_SILENT && list_is_empty(&stream->handshake_link));
	stream->deadline_ns = worker_now_ns(pool->worker) + stream->handshake_timeout_ns;
	/* By deadline; time limits are nearly always the same, so the place is the last one. */
	struct list *before = pool->silent.prev;
	while (before != &pool->silent && of_handshake_link(before)->deadline_ns > stream->deadline_ns)
		before = before->prev;
	list_append(before->next, &stream->handshake_link);
	set_timer(pool);
}

void stream_pool_linger(struct stream_pool *pool, struct stream *stream)
{
	assert(list_is_empty(&stream->handshake_link));
	stream->is_lingering = true;
	stream->deadline_ns = worker_now_ns(pool->worker) + (uint64_t)STREAM_LINGER_MS * CLOCK_NS_PER_MS;
	list_append(&pool->lingering, &stream->handshake_link);
	set_timer(pool);
}

static void begin_next(struct stream_pool *pool)
{
	while (pool->handshakes < STREAM_HANDSHAKES_MAX && !list_is_empty(&pool->waiting)) {
		struct list *link = list_take_first(&pool->waiting);
		struct stream *stream = of_handshake_link(link);
		pool->waiting_handshakes--;
		pool->handshakes++;
		list_append(&pool->handshaking, link);
		stream->last_active_ns = worker_now_ns(pool->worker);
		stream->deadline_ns = stream->last_active_ns + stream->handshake_timeout_ns;
		stream_begin_handshake(stream);
	}
	set_timer(pool);
}

bool stream_pool_queue_handshake(struct stream_pool *pool, struct stream *stream)
{
	if (pool->waiting_handshakes >= STREAM_HANDSHAKES_WAITING_MAX)
		return false;
	assert(stream->state == STREAM_NEW || stream->state == STREAM_SILENT);
	stream->state = STREAM_WAITING;
	list_append(&pool->waiting, &stream->handshake_link);
	pool->waiting_handshakes++;
	begin_next(pool);
	return true;
}

void stream_pool_leave_handshake(struct stream_pool *pool, struct stream *stream)
{
	if (list_is_empty(&stream->handshake_link))
		return;
	list_remove(&stream->handshake_link);
	if (stream->is_lingering)
		stream->is_lingering = false;
	else if (stream->state == STREAM_WAITING)
		pool->waiting_handshakes--;
	else if (stream->state == STREAM_HANDSHAKING)
		pool->handshakes--;
	begin_next(pool);
}

bool stream_pool_may_step(struct stream_pool *pool)
{
	return worker_turn_allows(pool->worker, &pool->steps, STREAM_HANDSHAKE_STEPS_PER_TURN_MAX);
}
