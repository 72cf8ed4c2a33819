/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS by OpenSSL on the descriptor itself. One SSL_read() gives one record, one SSL_write() makes one of at most 16
 * KiB. OpenSSL's errors are in a queue per thread: it is cleared before each operation, so that what is found belongs
 * to it.
 */
#include "net/stream_internal.h"
#include "net/tls_refusal.h"

#include <errno.h>
#include <openssl/err.h>
#include <sys/socket.h>

/*
 * Called for each message behind the handshake: KeyUpdate, a session ticket, an attempt to renegotiate. They cost a peer
 * little and us much, and are no data that would fill a turn, so a read shall come back behind them. OpenSSL does that
 * only where it has read nothing ahead: until data comes it reads record by record.
 */
static void note_message(int is_ours, int version, int type, const void *bytes, size_t len, SSL *ssl, void *context)
{
	struct stream *stream = context;
	(void)version, (void)bytes, (void)len;
	if (is_ours != 0 || type != SSL3_RT_HANDSHAKE)
		return;
	stream->post_handshake++;
	SSL_set_read_ahead(ssl, 0);
}

static void note_data(struct stream *stream)
{
	stream->was_sidetracked = stream->post_handshake > 0;
	stream->post_handshake = 0;
	if (stream->was_sidetracked)
		SSL_set_read_ahead(stream->ssl, 1);
}

/* There is no data. Behind messages of the protocol itself the socket is still ready, if more came, on the next turn. */
static enum stream_io wait_for_data(struct stream *stream)
{
	if (stream->post_handshake <= STREAM_POST_HANDSHAKE_MAX)
		return STREAM_IO_WAIT;
	stream_note_end(stream, STREAM_END_TLS,
					"the peer sent more than 64 TLS messages, such as KeyUpdate, without data between them");
	return STREAM_IO_END;
}

/* SSL_ERROR_SYSCALL without an errno is an EOF inside the protocol. */
static void note_syscall_error(struct stream *stream, int error)
{
	if (error != 0)
		stream_note_end(stream, STREAM_END_RESET, strerror(error));
	else
		stream_note_end(stream, STREAM_END_WITHOUT_NOTIFY, "the peer closed the connection without close_notify");
}

static void note_tls_error(struct stream *stream)
{
	char text[TLS_ERROR_MAX_BYTES];
	stream_note_end(stream, STREAM_END_TLS, tls_error_text(stream->ssl, text));
}

static enum stream_io tls_handshake(struct stream *stream)
{
	ERR_clear_error();
	errno = 0;
	int result = SSL_do_handshake(stream->ssl);
	int error = errno;
	if (result == 1) {
		SSL_set_msg_callback(stream->ssl, note_message);
		SSL_set_msg_callback_arg(stream->ssl, stream);
		return STREAM_IO_DONE;
	}
	switch (SSL_get_error(stream->ssl, result)) {
	case SSL_ERROR_WANT_READ:
		stream->handshake_wants_write = false;
		return STREAM_IO_WAIT;
	case SSL_ERROR_WANT_WRITE:
		stream->handshake_wants_write = true;
		return STREAM_IO_WAIT;
	case SSL_ERROR_SYSCALL:
		note_syscall_error(stream, error);
		return STREAM_IO_END;
	default:
		note_tls_error(stream);
		return STREAM_IO_END;
	}
}

static enum stream_io tls_read(struct stream *stream, uint8_t *into, size_t room, size_t *got)
{
	ERR_clear_error();
	errno = 0;
	stream->read_wants_write = false;
	int result = SSL_read_ex(stream->ssl, into, room, got);
	int error = errno;
	if (result == 1) {
		note_data(stream);
		return STREAM_IO_DONE;
	}
	*got = 0;
	switch (SSL_get_error(stream->ssl, result)) {
	case SSL_ERROR_WANT_READ:
		return wait_for_data(stream);
	case SSL_ERROR_WANT_WRITE:
		stream->read_wants_write = true;
		return STREAM_IO_WAIT;
	case SSL_ERROR_ZERO_RETURN:
		stream_note_end(stream, STREAM_END_EOF, "the peer closed the connection");
		return STREAM_IO_END;
	case SSL_ERROR_SYSCALL:
		note_syscall_error(stream, error);
		return STREAM_IO_END;
	default:
		if (ERR_GET_REASON(ERR_peek_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING)
			note_syscall_error(stream, 0);
		else
			note_tls_error(stream);
		return STREAM_IO_END;
	}
}

static bool tls_has_buffered(const struct stream *stream)
{
	return stream->ssl != NULL && SSL_has_pending(stream->ssl) == 1;
}

static enum stream_io tls_write(struct stream *stream, struct bytes bytes, size_t *put)
{
	ERR_clear_error();
	errno = 0;
	stream->write_wants_read = false;
	int result = SSL_write_ex(stream->ssl, bytes.at, bytes.len, put);
	int error = errno;
	if (result == 1)
		return STREAM_IO_DONE;
	*put = 0;
	switch (SSL_get_error(stream->ssl, result)) {
	case SSL_ERROR_WANT_WRITE:
		return STREAM_IO_WAIT;
	case SSL_ERROR_WANT_READ:
		stream->write_wants_read = true;
		return STREAM_IO_WAIT;
	case SSL_ERROR_SYSCALL:
		/* Reading is still possible, and a peer that refused us has left an alert there that says why. */
		stream->write_error = error != 0 ? error : EPIPE;
		return STREAM_IO_END;
	default:
		note_tls_error(stream);
		return STREAM_IO_END;
	}
}

static enum stream_io tls_finish(struct stream *stream)
{
	ERR_clear_error();
	int result = SSL_shutdown(stream->ssl);
	if (result < 0 && SSL_get_error(stream->ssl, result) == SSL_ERROR_WANT_WRITE)
		return STREAM_IO_WAIT;
	/* Said, or impossible to say. */
	ERR_clear_error();
	(void)shutdown(stream->fd, SHUT_WR);
	return STREAM_IO_DONE;
}

static void tls_release(struct stream *stream)
{
	if (stream->ssl == NULL)
		return;
	/* RFC 5425, 4.4: close_notify before closing, if it can be said without waiting. */
	ERR_clear_error();
	if (stream->can_write)
		(void)SSL_shutdown(stream->ssl);
	SSL_free(stream->ssl);
	ERR_clear_error();
	stream->ssl = NULL;
}

const struct stream_kind stream_tls = {
	.handshake = tls_handshake,
	.read = tls_read,
	.reads_records = true,
	.has_buffered = tls_has_buffered,
	.write = tls_write,
	.finish = tls_finish,
	.release = tls_release,
};
