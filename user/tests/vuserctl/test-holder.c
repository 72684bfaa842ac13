// SPDX-License-Identifier: GPL-2.0
/* Which processes have a device open, by a /proc of the test. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../harness.h"

static char root[] = "/tmp/test-holder.XXXXXX";

#define PROC root
#include "../../vuserctl/holder.c"

#define UUID "9f2d1c3e-0a5b-4c6d-8e7f-0123456789ab"

static struct vnl_dev dev = { .uuid = UUID, .group = 7 };
static struct holder holders[HOLDER_MAX];

static size_t find(void)
{
	struct holder_files files;

	holder_files(&dev, &files);
	return holder_find(&files, holders);
}

static const char *path(const char *fmt, ...)
	__attribute__((format(printf, 1, 2)));

static const char *path(const char *fmt, ...)
{
	static char text[PATH_MAX];
	int len = snprintf(text, sizeof(text), "%s/", root);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text + len, sizeof(text) - len, fmt, ap);
	va_end(ap);
	return text;
}

static void put(const char *name, const char *text)
{
	FILE *file = fopen(name, "w");

	require(file);
	fputs(text, file);
	fclose(file);
}

/* Make a process with one descriptor, which leads to @link. */
static void process(int pid, const char *name, const char *link)
{
	require(!mkdir(path("%d", pid), 0755));
	require(!mkdir(path("%d/fd", pid), 0755));
	require(!mkdir(path("%d/fdinfo", pid), 0755));
	put(path("%d/comm", pid), name);
	require(!symlink("/dev/null", path("%d/fd/0", pid)));
	require(!symlink(link, path("%d/fd/3", pid)));
}

static void begin(void)
{
	strcpy(root + strlen(root) - 6, "XXXXXX");
	require(mkdtemp(root));
	put(path("version"), "not a process\n");
}

static void end(void)
{
	char command[PATH_MAX];

	snprintf(command, sizeof(command), "rm -r %s", root);
	check_eq(system(command), 0);
}

TEST(process_with_the_group_open_is_found)
{
	char text[256];

	begin();
	process(12, "testpmd\n", "/dev/vfio/7");
	process(13, "other\n", "/dev/vfio/77");
	process(14, "another\n", "/dev/vfio/vfio");
	check_eq(find(), 1);
	check_eq(holders[0].pid, 12);
	check(!strcmp(holders[0].name, "testpmd"));
	holder_text(holders, 1, text, sizeof(text));
	check(!strcmp(text, "process 12 (testpmd)"));
	end();
}

TEST(group_that_was_removed_while_it_is_open_is_found)
{
	begin();
	process(12, "testpmd\n", "/dev/vfio/7 (deleted)");
	check_eq(find(), 1);
	end();
}

TEST(device_is_found_where_fdinfo_names_it)
{
	begin();
	process(12, "qemu\n", "anon_inode:[vfio-device]");
	put(path("12/fdinfo/3"),
	    "pos:\t0\nvfio-device-syspath: /sys/devices/virtual/mdev/" UUID
	    "\n");
	process(13, "old\n", "anon_inode:[vfio-device]");
	put(path("13/fdinfo/3"), "pos:\t0\n");
	check_eq(find(), 1);
	check_eq(holders[0].pid, 12);
	end();
}

TEST(device_without_a_process_has_no_holder)
{
	char text[64];

	begin();
	check_eq(find(), 0);
	holder_text(holders, 0, text, sizeof(text));
	check(!strcmp(text, "a program"));
	end();
}

TEST(two_processes_are_named_in_one_text)
{
	const struct holder two[] = { { 12, "qemu" }, { 34, "testpmd" } };
	char text[64];

	holder_text(two, 2, text, sizeof(text));
	check(!strcmp(text, "process 12 (qemu), process 34 (testpmd)"));
	holder_text(two, 2, text, 10);
	check_eq(strlen(text), 9);
}
