// SPDX-License-Identifier: GPL-2.0
/* Texts for errors, which say what to do next. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "explain.h"

/* Whether a byte of UTF-8 is not the first of its character. */
static bool continues(char byte)
{
	return (byte & 0xc0) == 0x80;
}

const char *explain_path(char shown[EXPLAIN_PATH_MAX + 1], const char *path)
{
	size_t len = strlen(path);
	const char *end;

	if (len <= EXPLAIN_PATH_MAX)
		return path;
	end = path + len - (EXPLAIN_PATH_MAX - strlen("..."));
	while (continues(*end))
		end++;
	snprintf(shown, EXPLAIN_PATH_MAX + 1, "...%s", end);
	return shown;
}

static const char *refused(const char *path)
{
	struct stat st;

	if (!stat(path, &st) && !S_ISSOCK(st.st_mode))
		return "it is not a socket: set the endpoint to the server's socket";
	return "no server is listening: start the server, vuserd keeps trying";
}

void explain_own(char *text, size_t size, const char *path, int error)
{
	char shown[EXPLAIN_PATH_MAX + 1];

	snprintf(
		text, size,
		"vuserd is short of resources to connect to %s: %s; it keeps trying",
		explain_path(shown, path), strerror(-error));
}

void explain_connect(char *text, size_t size, const char *path, int error)
{
	char shown[EXPLAIN_PATH_MAX + 1];
	const char *why;

	switch (error) {
	case -ENOENT:
	case -ENOTDIR:
		why = "the socket does not exist: start the server, vuserd keeps trying";
		break;
	case -ECONNREFUSED:
		why = refused(path);
		break;
	case -EACCES:
	case -EPERM:
		why = "permission denied: give vuserd write permission on the socket";
		break;
	case -EAGAIN:
		why = "the server does not accept connections: it may serve another client";
		break;
	case -EPROTOTYPE:
		why = "it is not a stream socket: set the endpoint to the server's socket";
		break;
	case -EXDEV:
		why = "a user's symbolic link leads to another user's socket: set the endpoint to the path of the socket itself";
		break;
	case -ENAMETOOLONG:
		why = "the path or a name in it is too long: give another path";
		break;
	case -EMFILE:
	case -ENFILE:
	case -ENOMEM:
	case -ENOBUFS:
		explain_own(text, size, path, error);
		return;
	default:
		why = strerror(-error);
	}
	snprintf(text, size, "cannot connect to %s: %s",
		 explain_path(shown, path), why);
}

void explain_handshake(char *text, size_t size, const char *path, int error,
		       const char *detail)
{
	char shown[EXPLAIN_PATH_MAX + 1];
	const char *end = explain_path(shown, path);

	switch (error) {
	case -ENODATA:
	case -ECONNRESET:
	case -EPIPE:
		snprintf(
			text, size,
			"the server at %s closed the connection (%s): see its log",
			end, detail);
		break;
	case -EMFILE:
		snprintf(
			text, size,
			"the server at %s sent unexpected file descriptors: %s",
			end, detail);
		break;
	case -EPROTO:
	case -EMSGSIZE:
	case -EINVAL:
		snprintf(text, size,
			 "the program at %s does not speak vfio-user: %s", end,
			 detail);
		break;
	case -EPROTONOSUPPORT:
		snprintf(text, size,
			 "the server at %s speaks an unsupported version: %s",
			 end, detail);
		break;
	case -ENFILE:
		/* libvuser's errno for the limit of this process. */
		explain_own(text, size, path, -EMFILE);
		break;
	case -ENOMEM:
	case -ETOOMANYREFS:
		explain_own(text, size, path, error);
		break;
	default:
		snprintf(text, size,
			 "the handshake with the server at %s failed: %s", end,
			 detail);
	}
}
