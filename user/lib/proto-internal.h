/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of the message code share. */
#ifndef VUSER_PROTO_INTERNAL_H
#define VUSER_PROTO_INTERNAL_H

#include <stddef.h>
#include <sys/types.h>

int vu_exact(const void *buf, size_t len, void *out, size_t size);
int vu_at_least(const void *buf, size_t len, void *out, size_t size);
ssize_t vu_put(void *buf, size_t size, const void *in, size_t len);

#endif /* VUSER_PROTO_INTERNAL_H */
