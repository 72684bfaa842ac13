// SPDX-License-Identifier: GPL-2.0
/* Tables on a terminal and elsewhere. */
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../vuserctl/table.h"
#include "../harness.h"

#define LONG                                                                \
	"a text that is too long for a terminal of eighty columns, so the " \
	"terminal cuts it off, end"

static void print(bool titles, bool rows)
{
	static const struct table_column columns[] = {
		{ .title = "NAME" },
		{ .title = "N", .right = true },
		{ .title = "TEXT", .cut = true },
	};
	static const char *const first[] = { "one", "1", "-" };
	static const char *const second[] = { "second", "100", LONG };
	struct libscols_table *table = table_new(columns, 3, titles);

	if (!table)
		exit(1);
	if (rows) {
		table_add(table, first);
		table_colour(table, 0, "green");
		table_add(table, second);
	}
	table_print(table);
	fflush(stdout);
	_exit(0);
}

/* Read what a child process prints to @fd. */
static const char *output(int fd, pid_t pid)
{
	static char text[4096];
	size_t len = 0;
	ssize_t got;

	while (len < sizeof(text) - 1 &&
	       (got = read(fd, text + len, sizeof(text) - 1 - len)) > 0)
		len += got;
	text[len] = '\0';
	close(fd);
	waitpid(pid, NULL, 0);
	return text;
}

static const char *on_pipe(bool titles, bool rows)
{
	int pair[2];
	pid_t pid;

	require(!pipe(pair));
	fflush(stdout);
	pid = fork();
	if (!pid) {
		dup2(pair[1], STDOUT_FILENO);
		print(titles, rows);
	}
	close(pair[1]);
	return output(pair[0], pid);
}

static const char *on_terminal(const char *no_color)
{
	struct winsize size = { .ws_row = 25, .ws_col = 80 };
	int fd;
	pid_t pid;

	fflush(stdout);
	pid = forkpty(&fd, NULL, NULL, &size);
	if (!pid) {
		setenv("NO_COLOR", no_color, 1);
		setenv("TERM", "xterm", 1);
		print(true, true);
	}
	require(pid > 0);
	return output(fd, pid);
}

TEST(table_that_is_not_on_a_terminal_is_plain_and_whole)
{
	check(!strcmp(on_pipe(true, true), "NAME      N  TEXT\n"
					   "one       1  -\n"
					   "second  100  " LONG "\n"));
}

TEST(table_without_titles_has_rows_only)
{
	check(!strncmp(on_pipe(false, true), "one       1  -\n", 15));
}

TEST(table_without_rows_prints_nothing)
{
	check(!strcmp(on_pipe(true, false), ""));
}

TEST(table_on_a_terminal_has_colours_and_fits)
{
	const char *text = on_terminal("");

	check(strstr(text, "\033["));
	check(strstr(text, "second") && !strstr(text, "end\r\n"));
}

TEST(table_on_a_terminal_has_no_colours_if_the_user_wants_none)
{
	const char *text = on_terminal("1");

	check(!strstr(text, "\033[") && strstr(text, "second"));
}
