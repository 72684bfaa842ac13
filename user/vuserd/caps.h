/* SPDX-License-Identifier: GPL-2.0 */
/* Capabilities of this process. */
#ifndef VUSERD_CAPS_H
#define VUSERD_CAPS_H

/* Give up all capabilities. Return 0 or an errno. */
int caps_drop_all(void);

#endif /* VUSERD_CAPS_H */
