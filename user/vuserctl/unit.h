/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The server of a device as a transient unit of systemd, which restarts and confines the
 * process. Its messages go to the journal.
 */
#ifndef VUSERCTL_UNIT_H
#define VUSERCTL_UNIT_H

#include <stdbool.h>

/* The entries of a command line at most, with the NULL at the end. */
#define UNIT_ARGS_MAX 128

/* Whether systemd manages this host. */
bool unit_possible(void);

/**
 * unit_start - start a unit, and wait until its server is ready
 * @name: name of the unit
 * @properties: options of systemd-run beside those that all units have, with a NULL at
 *	the end; at most 32
 * @argv: command line of the server, at most UNIT_ARGS_MAX entries
 *
 * After an error the messages of the server are printed, and the unit is removed.
 *
 * Return: 0 or -ECHILD.
 */
int unit_start(const char *name, const char *const *properties,
	       char *const *argv);

/* Stop a unit and wait until its process has exited. */
void unit_stop(const char *name);

#endif /* VUSERCTL_UNIT_H */
