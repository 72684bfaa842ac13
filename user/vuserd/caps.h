/* SPDX-License-Identifier: GPL-2.0 */
/* Privileges of this process. */
#ifndef VUSERD_CAPS_H
#define VUSERD_CAPS_H

/*
 * Give up all privileges that vuserd does not need, for this process and all that it
 * starts: all capabilities but the ones to attach servers, to set the sizes of socket
 * buffers, and to connect to sockets of any user. No program that it runs can get more
 * privileges. Return 0 or an errno.
 */
int caps_drop_unneeded(void);

/* Give up all capabilities. Return 0 or an errno. */
int caps_drop_all(void);

#endif /* VUSERD_CAPS_H */
