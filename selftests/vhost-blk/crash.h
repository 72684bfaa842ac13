/* SPDX-License-Identifier: GPL-2.0 */
/* Points where the back end crashes, for tests of recovery. */
#ifndef VHOST_BLK_CRASH_H
#define VHOST_BLK_CRASH_H

/**
 * enum crash_point - steps of a batch of requests
 * @CRASH_NEVER: the default
 * @CRASH_TAKEN: recorded as in flight, not done
 * @CRASH_HALF: half of the batch is done
 * @CRASH_DONE: done, the driver does not know
 * @CRASH_LISTED: used entries are written, but not visible
 * @CRASH_USED: visible to the driver, but still recorded as in flight
 * @CRASH_CLEARED: no longer in flight, but the recorded index is old
 * @CRASH_COMMITTED: all is recorded, but the driver was not interrupted
 */
enum crash_point {
	CRASH_NEVER,
	CRASH_TAKEN,
	CRASH_HALF,
	CRASH_DONE,
	CRASH_LISTED,
	CRASH_USED,
	CRASH_CLEARED,
	CRASH_COMMITTED,
};

/* Parse "POINT" or "POINT:N", the Nth time; return 0 or -EINVAL. */
int crash_parse(const char *text);
/* Raise SIGKILL if this is the chosen point for the Nth time. */
void crash_here(enum crash_point point);

#endif /* VHOST_BLK_CRASH_H */
