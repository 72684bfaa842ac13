/* SPDX-License-Identifier: GPL-2.0 */
/* Hearing of the kernel module's coming and going. */
#ifndef VUSERD_FAMILY_H
#define VUSERD_FAMILY_H

#include <systemd/sd-event.h>

struct family;

/* @fn: the number of the family "vuser" now, 0 when it went; perhaps as before */
int family_watch(struct family **family, sd_event *event,
		 void (*fn)(void *data, int id), void *data);
void family_unwatch(struct family *family);

#endif /* VUSERD_FAMILY_H */
