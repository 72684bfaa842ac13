/* SPDX-License-Identifier: GPL-2.0 */
/* Hearing of the kernel module's coming and going. */
#ifndef VUSERD_FAMILY_H
#define VUSERD_FAMILY_H

#include <stdbool.h>
#include <systemd/sd-event.h>

struct family;

/* @fn: the family "vuser" came (@there) or went */
int family_watch(struct family **family, sd_event *event,
		 void (*fn)(void *data, bool there), void *data);
void family_unwatch(struct family *family);

#endif /* VUSERD_FAMILY_H */
