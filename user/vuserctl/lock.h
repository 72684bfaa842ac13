/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The lock by which the process that serves a device is found. The kernel releases the lock
 * when the process ends, so another process is never mistaken for the server.
 */
#ifndef VUSERCTL_LOCK_H
#define VUSERCTL_LOCK_H

/**
 * lock_end_holder - end the process that holds the lock on a file, if there is one
 * @path: the file
 * @program: name of the process, for an error
 *
 * Waits until the process has exited.
 */
void lock_end_holder(const char *path, const char *program);

#endif /* VUSERCTL_LOCK_H */
