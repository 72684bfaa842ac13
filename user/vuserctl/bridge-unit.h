/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The vuser-vhost process of a device as a transient unit of systemd, which restarts and
 * confines the process. Its messages go to the journal.
 */
#ifndef VUSERCTL_BRIDGE_UNIT_H
#define VUSERCTL_BRIDGE_UNIT_H

#include <stdbool.h>

/* Whether systemd manages this host. */
bool bridge_unit_possible(void);

/**
 * bridge_unit_start - start the unit of a device, and wait until vuser-vhost is ready
 * @uuid: UUID of the device
 * @argv: command line of vuser-vhost, at most 64 entries with the NULL at the end
 *
 * After an error the messages of vuser-vhost are printed, and the unit is removed.
 *
 * Return: 0 or -ECHILD.
 */
int bridge_unit_start(const char *uuid, char *const *argv);

/* Stop the unit of a device and wait until its process has exited. */
void bridge_unit_stop(const char *uuid);

#endif /* VUSERCTL_BRIDGE_UNIT_H */
