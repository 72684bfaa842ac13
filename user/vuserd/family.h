/* SPDX-License-Identifier: GPL-2.0 */
/* Watch whether the kernel module is loaded. */
#ifndef VUSERD_FAMILY_H
#define VUSERD_FAMILY_H

#include <systemd/sd-event.h>

struct family;

/*
 * Call @fn when the module is loaded or unloaded. @id is the number of the
 * family "vuser", 0 if the module is not loaded. @id may be the same as in the
 * last call.
 */
int family_watch(struct family **family, sd_event *event,
		 void (*fn)(void *data, int id), void *data);

/* Stop watching.  @family may be NULL. */
void family_unwatch(struct family *family);

#endif /* VUSERD_FAMILY_H */
