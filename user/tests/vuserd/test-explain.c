// SPDX-License-Identifier: GPL-2.0
/* vuserd's error messages: they name the cause and are complete. */
#include <errno.h>
#include <linux/vuser.h>
#include <stdio.h>
#include <string.h>

#include "../../vuserd/explain.h"
#include "../harness.h"

struct line {
	int error;
	const char *says;
};

static const struct line connects[] = {
	{ -ENOENT, "does not exist" },
	{ -ECONNREFUSED, "no server is listening" },
	{ -EACCES, "permission denied" },
	{ -EAGAIN, "another client" },
	{ -EXDEV, "symbolic link" },
	{ -EMFILE, "vuserd is short of resources" },
	{ -ENFILE, "vuserd is short of resources" },
	{ -ENOMEM, "vuserd is short of resources" },
	{ -EIO, "Input/output error" },
};

static const struct line handshakes[] = {
	{ -ENODATA, "closed the connection" },
	{ -EPROTO, "does not speak" },
	{ -EPROTONOSUPPORT, "unsupported version" },
	{ -ENOMEM, "vuserd is short of resources" },
	{ -ENFILE, "vuserd is short of resources" },
	/* The server does not read the client's commands. */
	{ -ENOBUFS, "failed: why" },
	{ -EIO, "failed: why" },
};

#define NR(table) (sizeof(table) / sizeof((table)[0]))

/* The longest path; the end of the line must not be cut. */
static char path[VUSER_ENDPOINT_MAX + 1];

static void check_line(const struct line *line, const char *text)
{
	if (!strstr(text, line->says) || !strstr(text, path))
		printf("# error %d: %s\n", -line->error, text);
	check(strstr(text, line->says) && strstr(text, path));
	check(strlen(text) < VUSER_ERROR_MAX);
}

TEST(connect_errors_name_the_cause_and_the_path)
{
	char text[VUSER_ERROR_MAX + 1];
	size_t i;

	memset(path, 'p', VUSER_ENDPOINT_MAX);
	for (i = 0; i < NR(connects); i++) {
		explain_connect(text, sizeof(text), path, connects[i].error);
		check_line(&connects[i], text);
	}
}

TEST(handshake_errors_name_the_cause_and_the_path)
{
	char text[VUSER_ERROR_MAX + 1];
	size_t i;

	memset(path, 'p', VUSER_ENDPOINT_MAX);
	for (i = 0; i < NR(handshakes); i++) {
		explain_handshake(text, sizeof(text), path, handshakes[i].error,
				  "why");
		check_line(&handshakes[i], text);
	}
}
