/* SPDX-License-Identifier: BSD-3-Clause */
/* Deadlines on the monotonic clock, in milliseconds. -1 means no deadline. */
#ifndef LIBBASE_DEADLINE_H
#define LIBBASE_DEADLINE_H

#include <poll.h>
#include <stdint.h>

/* The deadline @timeout_ms from now; -1 when @timeout_ms is -1. */
int64_t vu_deadline_after(int timeout_ms);

/* The time left: 0 after the deadline; -1 without a deadline, as for poll(2). */
int vu_deadline_left(int64_t deadline);

/*
 * poll(2) until @deadline; a signal does not end it. Return: 0 when an fd is ready;
 * -ETIMEDOUT; or an errno of poll(2).
 */
int vu_deadline_poll(struct pollfd *fds, nfds_t nr, int64_t deadline);

#endif /* LIBBASE_DEADLINE_H */
