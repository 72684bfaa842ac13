// SPDX-License-Identifier: BSD-3-Clause
/* Deadlines on the monotonic clock, in milliseconds. */
#include <errno.h>
#include <time.h>

#include "deadline.h"

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int64_t vu_deadline_after(int timeout_ms)
{
	return timeout_ms < 0 ? -1 : now_ms() + timeout_ms;
}

int vu_deadline_left(int64_t deadline)
{
	int64_t left;

	if (deadline < 0)
		return -1;
	left = deadline - now_ms();
	if (left <= 0)
		return 0;
	return left > INT32_MAX ? INT32_MAX : left;
}

int vu_deadline_poll(struct pollfd *fds, nfds_t nr, int64_t deadline)
{
	int ret;

	do {
		ret = poll(fds, nr, vu_deadline_left(deadline));
	} while (ret < 0 && errno == EINTR);
	if (ret < 0)
		return -errno;
	return ret ? 0 : -ETIMEDOUT;
}
