// SPDX-License-Identifier: GPL-2.0
/* State files: who may open which file, and what a kill leaves. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../common/state-file.h"
#include "../harness.h"

#define SIZE 5000

static const struct state_file_kind ours = {
	.program = "test",
	.version = 1,
	.device = "--ours",
	.size = SIZE,
};

static char dir[32];
static char path[64];
static char why[STATE_FILE_WHY];
static struct state_file file;

static void setup(void)
{
	strcpy(dir, "/tmp/test-state-file-XXXXXX");
	require(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/state", dir);
}

static void teardown(void)
{
	unlink(path);
	rmdir(dir);
}

static int open_kind(const struct state_file_kind *kind)
{
	*why = 0;
	return state_file_open(&file, path, kind, why);
}

/* Create the file, with a state. */
static void create(void)
{
	require(open_kind(&ours) == 0);
	memset(file.data, 'x', SIZE);
	state_file_begin(&file);
	state_file_close(&file);
}

TEST(state_is_there_when_the_file_is_opened_again)
{
	struct stat st;

	setup();
	require(open_kind(&ours) == 0);
	check(!stat(path, &st) && (st.st_mode & 0777) == 0600);
	check(((char *)file.data)[0] == 0 &&
	      ((char *)file.data)[SIZE - 1] == 0);
	memset(file.data, 'x', SIZE);
	state_file_begin(&file);
	state_file_close(&file);
	require(open_kind(&ours) == 1);
	check(((char *)file.data)[0] == 'x');
	check(((char *)file.data)[SIZE - 1] == 'x');
	state_file_close(&file);
	teardown();
}

TEST(state_that_was_not_begun_is_new_again)
{
	setup();
	require(open_kind(&ours) == 0);
	memset(file.data, 'x', SIZE);
	state_file_close(&file);
	require(open_kind(&ours) == 0);
	check(((char *)file.data)[0] == 0);
	state_file_close(&file);
	teardown();
}

/* The program was killed while it wrote the first page. */
TEST(file_of_a_program_that_was_killed_early_is_new_again)
{
	int fd;

	setup();
	require(open_kind(&ours) == 0);
	state_file_close(&file);
	fd = open(path, O_WRONLY);
	require(pwrite(fd, "\0\0\0\0\0\0\0\0", 8, 4) == 8);
	close(fd);
	check_eq(open_kind(&ours), 0);
	state_file_close(&file);
	teardown();
}

TEST(file_is_refused_while_another_process_has_it)
{
	struct state_file first;

	setup();
	require(open_kind(&ours) == 0);
	first = file;
	check_eq(open_kind(&ours), -EWOULDBLOCK);
	check(strstr(why, path) && strstr(why, "stop that process"));
	state_file_close(&first);
	check_eq(open_kind(&ours), 0);
	state_file_close(&file);
	teardown();
}

TEST(file_of_another_device_or_version_is_refused_and_not_changed)
{
	struct state_file_kind other;

	setup();
	create();
	other = ours;
	other.device = "--theirs";
	check_eq(open_kind(&other), -EINVAL);
	check(strstr(why, "another device (--ours): give the same options"));
	other = ours;
	other.version = 2;
	check_eq(open_kind(&other), -EINVAL);
	check(strstr(why, "another version"));
	other = ours;
	other.size = SIZE - 1;
	check_eq(open_kind(&other), -EINVAL);
	other = ours;
	other.program = "tset";
	check_eq(open_kind(&other), -EINVAL);
	check(strstr(why, "is the state file of test"));
	require(open_kind(&ours) == 1);
	check(((char *)file.data)[0] == 'x');
	state_file_close(&file);
	teardown();
}

TEST(other_file_is_refused_and_not_changed)
{
	char buf[8] = "";
	int fd;

	setup();
	fd = open(path, O_RDWR | O_CREAT, 0600);
	require(pwrite(fd, "letter", 6, 0) == 6);
	check_eq(open_kind(&ours), -EINVAL);
	check(strstr(why, "give another path"));
	require(!ftruncate(fd, 4096 + SIZE));
	check_eq(open_kind(&ours), -EINVAL);
	check(strstr(why, "is not a state file"));
	check(pread(fd, buf, 6, 0) == 6 && !strcmp(buf, "letter"));
	close(fd);
	unlink(path);
	require(!mkdir(path, 0700));
	check_eq(open_kind(&ours), -EISDIR);
	rmdir(path);
	require(!mkfifo(path, 0600));
	check_eq(open_kind(&ours), -EINVAL);
	check(strstr(why, "not a regular file"));
	unlink(path);
	require(!symlink("elsewhere", path));
	check_eq(open_kind(&ours), -ELOOP);
	teardown();
}

TEST(record_is_replaced_in_one_step)
{
	_Atomic uint32_t now = 0;
	uint64_t copies[2][4] = { { 1, 2, 3, 4 }, { 0 } };
	const uint64_t next[4] = { 5, 6, 7, 8 }, last[4] = { 9, 9, 9, 9 };

	state_file_put(&now, copies, sizeof(copies[0]), next);
	check_eq(now, 1);
	check(copies[0][3] == 4 && copies[1][0] == 5 && copies[1][3] == 8);
	state_file_put(&now, copies, sizeof(copies[0]), last);
	check_eq(now, 0);
	check(copies[0][0] == 9 && copies[1][3] == 8);
}
