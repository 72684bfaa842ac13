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
	{ -ETOOMANYREFS, "vuserd is short of resources" },
	{ -EMFILE, "the server at" },
	/* The server does not read the client's commands. */
	{ -ENOBUFS, "failed: why" },
	{ -EIO, "failed: why" },
};

#define NR(table) (sizeof(table) / sizeof((table)[0]))

/* The longest path that is shown completely; the end of the line must not be cut. */
static char path[EXPLAIN_PATH_MAX + 1];

/* The longest path, and the part of it that is shown. */
static char long_path[VUSER_ENDPOINT_MAX + 1];
static char shown[EXPLAIN_PATH_MAX + 1];

static void make_paths(void)
{
	size_t i;

	memset(path, 'p', EXPLAIN_PATH_MAX);
	for (i = 0; i < VUSER_ENDPOINT_MAX; i++)
		long_path[i] = 'a' + i % 26;
	snprintf(shown, sizeof(shown), "...%s",
		 long_path + VUSER_ENDPOINT_MAX - EXPLAIN_PATH_MAX + 3);
}

static void check_line(const struct line *line, const char *text,
		       const char *part)
{
	if (!strstr(text, line->says) || !strstr(text, part))
		printf("# error %d: %s\n", -line->error, text);
	check(strstr(text, line->says) && strstr(text, part));
	check(strlen(text) < VUSER_ERROR_MAX);
}

TEST(connect_errors_name_the_cause_and_the_path)
{
	char text[VUSER_ERROR_MAX + 1];
	size_t i;

	make_paths();
	for (i = 0; i < NR(connects); i++) {
		explain_connect(text, sizeof(text), path, connects[i].error);
		check_line(&connects[i], text, path);
		explain_connect(text, sizeof(text), long_path,
				connects[i].error);
		check_line(&connects[i], text, shown);
	}
}

TEST(handshake_errors_name_the_cause_and_the_path)
{
	char text[VUSER_ERROR_MAX + 1];
	size_t i;

	make_paths();
	for (i = 0; i < NR(handshakes); i++) {
		explain_handshake(text, sizeof(text), path, handshakes[i].error,
				  "why");
		check_line(&handshakes[i], text, path);
		explain_handshake(text, sizeof(text), long_path,
				  handshakes[i].error, "why");
		check_line(&handshakes[i], text, shown);
	}
}

TEST(path_is_not_cut_inside_a_character)
{
	const char *euro = "\xe2\x82\xac";
	char text[VUSER_ERROR_MAX + 1], end[16];
	size_t i;

	long_path[0] = '\0';
	for (i = 0; i < 100; i++)
		strcat(long_path, euro);
	snprintf(end, sizeof(end), "...%s", euro);
	/* Each offset in a character. */
	for (i = 0; i < 3; i++) {
		strcat(long_path, "x");
		explain_connect(text, sizeof(text), long_path, -EIO);
		check(strstr(text, end));
	}
}
