/* SPDX-License-Identifier: Apache-2.0 */
#include "relayctl/client.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/printable.h"

enum { READ_SIZE_BYTES = 16 * 1024, REQUEST_MAX_BYTES = 256 };

static bool refuse(char *error, const char *path, const char *what)
{
	snprintf(error, CLIENT_ERROR_MAX_BYTES, "%s: %s", path, what);
	return false;
}

/* A connected socket whose calls end after CLIENT_TIMEOUT_SECONDS, or -1. */
static int connect_to(const char *path, char *error)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	if (strlen(path) >= sizeof address.sun_path) {
		refuse(error, path, "the path is too long for a socket");
		return -1;
	}
	memcpy(address.sun_path, path, strlen(path) + 1);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		refuse(error, path, strerror(errno));
		return -1;
	}
	const struct timeval limit = {.tv_sec = CLIENT_TIMEOUT_SECONDS};
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
	if (connect(fd, (const struct sockaddr *)&address, sizeof address) == 0)
		return fd;
	if (errno == ENOENT || errno == ECONNREFUSED)
		refuse(error, path, "no relayd listens there; is it running, and is this its \"control\" path?");
	else
		refuse(error, path, strerror(errno));
	close(fd);
	return -1;
}

static bool send_all(int fd, struct bytes bytes)
{
	while (bytes.len > 0) {
		ssize_t sent = send(fd, bytes.at, bytes.len, MSG_NOSIGNAL);
		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0)
			return false;
		bytes = bytes_after(bytes, (size_t)sent);
	}
	return true;
}

static bool receive_all(int fd, const char *path, struct buffer *answer, char *error)
{
	for (;;) {
		size_t room = buffer_room(answer) < READ_SIZE_BYTES ? buffer_room(answer) : READ_SIZE_BYTES;
		uint8_t *at = buffer_reserve(answer, room);
		if (at == NULL || room == 0)
			return refuse(error, path, "the answer is too long");
		ssize_t got = recv(fd, at, room, 0);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return refuse(error, path, errno == EAGAIN ? "relayd does not answer" : strerror(errno));
		if (got == 0)
			break;
		buffer_commit(answer, (size_t)got);
	}
	return buffer_len(answer) > 0 || refuse(error, path, "relayd closed the connection without an answer");
}

bool client_request(const char *path, struct bytes request, struct buffer *answer, char *error)
{
	int fd = connect_to(path, error);
	if (fd < 0)
		return false;
	bool good = (send_all(fd, request) && send_all(fd, BYTES("\n"))) || refuse(error, path, strerror(errno));
	good = good && receive_all(fd, path, answer, error);
	close(fd);
	return good;
}

bool client_ask(const char *path, const char *command, struct buffer *answer, char *error)
{
	char request[REQUEST_MAX_BYTES];
	int len = snprintf(request, sizeof request, "{\"command\":\"%s\"}", command);
	assert(len > 0 && (size_t)len < sizeof request);
	return client_request(path, bytes_of(request, (size_t)len), answer, error);
}

struct json_value *client_document(const char *path, struct bytes request, char *error)
{
	struct buffer answer;
	struct json_error wrong;
	struct json_value *document = NULL;
	buffer_init(&answer, CLIENT_ANSWER_MAX_BYTES);
	if (client_request(path, request, &answer, error)) {
		document = json_tree_read(buffer_peek(&answer), &wrong);
		if (document == NULL)
			refuse(error, path, "the answer is not one of relayd");
	}
	buffer_free(&answer);
	const struct json_value *refusal = json_member(document, "error");
	if (refusal == NULL)
		return document;
	refuse(error, path, refusal->text != NULL ? refusal->text : "refused");
	printable_make(error);
	json_tree_free(&document);
	return NULL;
}
