/* SPDX-License-Identifier: Apache-2.0 */
#include "relayctl/client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/printable.h"
#include "config/places.h"
#include "relayctl/blocking_socket.h"

enum { READ_SIZE_BYTES = 16 * 1024 };

static bool refuse(char *error, const char *path, const char *what)
{
	snprintf(error, CLIENT_ERROR_MAX_BYTES, "%s: %s", path, what);
	return false;
}

/* What errno says; a relay that is halted takes no connection, and then no request, within the time. */
static bool refuse_for_error(char *error, const char *path)
{
	return refuse(error, path, errno == EAGAIN ? "relayd does not answer" : strerror(errno));
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
	int fd = blocking_socket_connect((const struct sockaddr *)&address, sizeof address, SOCK_STREAM, CLIENT_TIMEOUT_SECONDS);
	if (fd >= 0)
		return fd;
	if (errno == ENOENT || errno == ECONNREFUSED)
		refuse(error, path, "no relayd listens there; is it running, and is this its \"control\" path?");
	else
		refuse_for_error(error, path);
	return -1;
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
			return refuse_for_error(error, path);
		if (got == 0)
			break;
		buffer_commit(answer, (size_t)got);
	}
	return buffer_len(answer) > 0 || refuse(error, path, "relayd closed the connection without an answer");
}

/* The request ends with its LF. */
static bool exchange(const char *path, struct bytes request, struct buffer *answer, char *error)
{
	int fd = connect_to(path, error);
	if (fd < 0)
		return false;
	bool good = blocking_socket_send(fd, request) || refuse_for_error(error, path);
	good = good && receive_all(fd, path, answer, error);
	close(fd);
	return good;
}

/* Finishes and sends it, and frees it. */
static bool exchange_document(const char *path, yajl_gen request, struct buffer *answer, char *error)
{
	char *text = request != NULL ? document_finish(request) : NULL;
	bool good = text != NULL ? exchange(path, bytes_of_text(text), answer, error) : refuse(error, path, strerror(ENOMEM));
	free(text);
	return good;
}

/* The answer as a tree, or what is wrong with it. */
static struct json_value *read_answer(const char *path, struct bytes answer, char *error)
{
	struct json_error wrong;
	struct json_value *document = json_tree_read(answer, &wrong);
	const struct json_value *refusal = json_member(document, "error");
	if (document == NULL)
		refuse(error, path, "the answer is not one of relayd");
	if (refusal == NULL)
		return document;
	refuse(error, path, refusal->text != NULL ? refusal->text : "refused");
	printable_make(error);
	json_tree_free(&document);
	return NULL;
}

bool client_ask(const char *path, const char *command, struct buffer *answer, char *error)
{
	return exchange_document(path, client_begin(command), answer, error);
}

struct json_value *client_look(const char *path, const char *command, char *error)
{
	return client_send(path, client_begin(command), error);
}

yajl_gen client_begin(const char *command)
{
	yajl_gen request = document_begin();
	if (request != NULL)
		document_text(request, "command", command);
	return request;
}

struct json_value *client_send(const char *path, yajl_gen request, char *error)
{
	struct buffer answer;
	buffer_init(&answer, CLIENT_ANSWER_MAX_BYTES);
	bool answered = exchange_document(path, request, &answer, error);
	struct json_value *document = answered ? read_answer(path, buffer_peek(&answer), error) : NULL;
	buffer_free(&answer);
	return document;
}

char *client_control(const char *control, const char *command)
{
	char *path = control != NULL ? strdup(control) : places_control_socket();
	if (path == NULL)
		fprintf(stderr, "relayctl %s: HOME is not set; say with --control where relayd listens\n", command);
	return path;
}
