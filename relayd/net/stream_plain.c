/* SPDX-License-Identifier: Apache-2.0 */
#include "net/stream_internal.h"

#include <errno.h>
#include <sys/socket.h>

static enum stream_io plain_read(struct stream *stream, uint8_t *into, size_t room, size_t *got)
{
	ssize_t result;
	do {
		result = recv(stream->fd, into, room, 0);
	} while (result < 0 && errno == EINTR);
	if (result > 0) {
		*got = (size_t)result;
		return STREAM_IO_DONE;
	}
	if (result < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return STREAM_IO_WAIT;
	if (result == 0)
		stream_note_end(stream, STREAM_END_EOF, "the peer closed the connection");
	else
		stream_note_end(stream, STREAM_END_RESET, strerror(errno));
	return STREAM_IO_END;
}

static enum stream_io plain_write(struct stream *stream, struct bytes bytes, size_t *put)
{
	ssize_t result;
	do {
		result = send(stream->fd, bytes.at, bytes.len, MSG_NOSIGNAL);
	} while (result < 0 && errno == EINTR);
	if (result >= 0) {
		*put = (size_t)result;
		return STREAM_IO_DONE;
	}
	if (errno == EAGAIN || errno == EWOULDBLOCK)
		return STREAM_IO_WAIT;
	stream->write_error = errno;
	return STREAM_IO_END;
}

static enum stream_io plain_finish(struct stream *stream)
{
	/* It fails only where the connection is gone, and then reading says so. */
	(void)shutdown(stream->fd, SHUT_WR);
	return STREAM_IO_DONE;
}

const struct stream_kind stream_plain = {
	.read = plain_read,
	.write = plain_write,
	.finish = plain_finish,
};
