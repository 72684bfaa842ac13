/* SPDX-License-Identifier: GPL-2.0 */
/* Copies to and from memory that another processor or a device accesses. */
#ifndef VUSER_COPY_H
#define VUSER_COPY_H

#include <linux/types.h>

void vuser_copy_to(void *mem, const void *buf, size_t len);
void vuser_copy_from(void *buf, const void *mem, size_t len);

#endif /* VUSER_COPY_H */
