// SPDX-License-Identifier: GPL-2.0
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "ctl.h"
#include "lock.h"

/*
 * End the process that holds the lock, and wait until it has exited, which releases the
 * lock. The kernel reports 0 for a process of another PID namespace, and -1 for a lock
 * that belongs to an open file: vuserctl cannot end these processes.
 */
static void end_holder(int fd, pid_t pid, const char *program)
{
	struct flock lock = { .l_type = F_WRLCK };

	if (pid <= 0) {
		ctl_say("cannot end the %s of this device: it is not in this PID namespace",
			program);
		return;
	}
	kill(pid, SIGTERM);
	fcntl(fd, F_SETLKW, &lock);
}

void lock_end_holder(const char *path, const char *program)
{
	struct flock lock = { .l_type = F_WRLCK };
	int fd = open(path, O_RDWR | O_CLOEXEC);

	if (fd >= 0 && !fcntl(fd, F_GETLK, &lock) && lock.l_type != F_UNLCK)
		end_holder(fd, lock.l_pid, program);
	if (fd >= 0)
		close(fd);
}
