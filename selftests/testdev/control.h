/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The control socket: a test's commands, one packet each, and one packet of
 * reply: a number, 0 or -errno, and the result as text.
 */
#ifndef TESTDEV_CONTROL_H
#define TESTDEV_CONTROL_H

struct device;
struct wire;

/* Serves @fd, a SOCK_SEQPACKET socket, until its other end is closed. */
void control_serve(int fd, struct device *dev, struct wire *wire);

/* The commands, for --help. */
void control_help(void);

#endif /* TESTDEV_CONTROL_H */
