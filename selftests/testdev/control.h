/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The control socket.  A test sends each command in one packet, and gets one
 * packet as the reply: a number, 0 or -errno, and the result as text.
 */
#ifndef TESTDEV_CONTROL_H
#define TESTDEV_CONTROL_H

struct device;
struct wire;

/* Serve @fd, a SOCK_SEQPACKET socket, until the other end is closed. */
void control_serve(int fd, struct device *dev, struct wire *wire);

/* Print the commands, for --help. */
void control_help(void);

#endif /* TESTDEV_CONTROL_H */
