// SPDX-License-Identifier: GPL-2.0
/* How vuserctl ends the vuser-vhost of a device. */
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../harness.h"

/* The argument of the last kill(), and the only process that it may reach. */
static pid_t killed, child;

static int record_kill(pid_t pid, int sig)
{
	check_eq(sig, SIGTERM);
	killed = pid;
	return pid == child && pid > 0 ? syscall(SYS_kill, pid, sig) : 0;
}

#define kill	  record_kill
#define DIRECTORY "/tmp/test-bridge"
#include "../../vuserctl/bridge.c"
#include "../../vuserctl/lock.c"
#undef kill

void ctl_say(const char *fmt, ...)
{
	(void)fmt;
}

int ctl_fail(int status, const char *fmt, ...)
{
	(void)fmt;
	return status;
}

#define UUID "u"

static int lock_file(void)
{
	char path[128];

	mkdir(DIRECTORY, 0755);
	path_of(path, sizeof(path), UUID, "lock");
	return open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
}

/* The lock of an open file has no process: the kernel reports -1. */
TEST(holder_without_a_process_id_is_not_killed)
{
	struct flock lock = { .l_type = F_WRLCK };
	int fd = lock_file();

	require(fd >= 0 && !fcntl(fd, F_OFD_SETLK, &lock));
	killed = 1;
	bridge_stop(UUID);
	check_eq(killed, 1);
	close(fd);
	rmdir(DIRECTORY);
}

TEST(holder_of_the_lock_is_killed)
{
	struct flock lock = { .l_type = F_WRLCK };
	int pair[2], fd = lock_file();
	char byte = 0;

	require(fd >= 0 && !pipe(pair));
	child = fork();
	if (!child) {
		if (fcntl(fd, F_SETLK, &lock) || write(pair[1], &byte, 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	check_eq(read(pair[0], &byte, 1), 1);
	bridge_stop(UUID);
	check_eq(killed, child);
	waitpid(child, NULL, 0);
	close(pair[0]);
	close(pair[1]);
	close(fd);
	rmdir(DIRECTORY);
}

/* No other user may send to the socket or take its name. */
TEST(ready_socket_is_a_file_of_the_user)
{
	struct sockaddr_un addr = {};
	struct stat st;
	int fd;

	mkdir(DIRECTORY, 0755);
	fd = notify_socket(&addr, UUID);
	require(fd >= 0 && !stat(addr.sun_path, &st));
	check(S_ISSOCK(st.st_mode) && !(st.st_mode & 077));
	close(fd);
	unlink(addr.sun_path);
	rmdir(DIRECTORY);
}
