/* SPDX-License-Identifier: GPL-2.0 */
/* Where the back-end dies, for tests of what comes after. */
#ifndef VHOST_BLK_CRASH_H
#define VHOST_BLK_CRASH_H

/**
 * enum crash_point - steps of a batch of requests
 * @CRASH_NEVER: the default
 * @CRASH_TAKEN: noted as in flight, not done
 * @CRASH_HALF: half of the batch is done
 * @CRASH_DONE: done, the driver has not been told
 * @CRASH_LISTED: used entries are written, but not visible
 * @CRASH_USED: the driver can see them, but they are noted as in flight
 * @CRASH_CLEARED: no longer noted, but the note's own index is old
 * @CRASH_TOLD: all is well, but the driver was not interrupted
 */
enum crash_point {
	CRASH_NEVER,
	CRASH_TAKEN,
	CRASH_HALF,
	CRASH_DONE,
	CRASH_LISTED,
	CRASH_USED,
	CRASH_CLEARED,
	CRASH_TOLD,
};

/* From "POINT" or "POINT:N", the Nth time; 0 or -EINVAL. */
int crash_parse(const char *text);
/* Dies by SIGKILL if this is the point and the time. */
void crash_here(enum crash_point point);

#endif /* VHOST_BLK_CRASH_H */
