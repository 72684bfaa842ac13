// SPDX-License-Identifier: GPL-2.0
/* The limits of what vuser-vhost prints. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../devices/vhost/say.h"
#include "../harness.h"

static const struct vhost_device device = { .options.backend = "/back" };
static int saved = -1, file;

/* Standard error becomes a file of @size bytes. */
static void capture(off_t size)
{
	fflush(stderr);
	saved = dup(STDERR_FILENO);
	file = memfd_create("stderr", 0);
	require(saved >= 0 && file >= 0 && !ftruncate(file, size));
	lseek(file, size, SEEK_SET);
	dup2(file, STDERR_FILENO);
}

/* Return the number of bytes and of lines that were printed after @size bytes. */
static size_t captured(off_t size, unsigned int *lines)
{
	static char text[1 << 20];
	ssize_t len = pread(file, text, sizeof(text), size);
	ssize_t i;

	dup2(saved, STDERR_FILENO);
	close(saved);
	close(file);
	*lines = 0;
	for (i = 0; i < len; i++)
		*lines += text[i] == '\n';
	return len;
}

static void say_often(unsigned int times)
{
	while (times--)
		vhost_say(&device, "%u", times);
}

TEST(many_lines_are_limited)
{
	unsigned int lines;

	capture(0);
	say_often(10000);
	check(captured(0, &lines) > 0);
	check(lines >= 100 && lines < 200);
}

TEST(file_that_is_full_gets_no_further_lines)
{
	const off_t full = 2 << 20;
	unsigned int lines;

	capture(full);
	say_often(10);
	check_eq(captured(full, &lines), 0);
}
