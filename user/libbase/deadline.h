/* SPDX-License-Identifier: BSD-3-Clause */
/* Deadlines on the monotonic clock, in milliseconds. -1 means no deadline. */
#ifndef LIBBASE_DEADLINE_H
#define LIBBASE_DEADLINE_H

#include <poll.h>
#include <stdint.h>

/** vu_deadline_after - the deadline @timeout_ms from now; -1 for none */
int64_t vu_deadline_after(int timeout_ms);

/** vu_deadline_left - milliseconds until @deadline, 0 when it has passed; -1
 * without a deadline, as poll(2) takes it
 */
int vu_deadline_left(int64_t deadline);

/** vu_deadline_poll - poll(2) until @deadline; restarts after a signal. Return:
 * 0 when an fd is ready; -ETIMEDOUT; or an errno of poll(2).
 */
int vu_deadline_poll(struct pollfd *fds, nfds_t nr, int64_t deadline);

#endif /* LIBBASE_DEADLINE_H */
