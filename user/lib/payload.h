/* SPDX-License-Identifier: BSD-3-Clause */
/* Copy payloads of messages, with a check of their length. */
#ifndef VUSER_PAYLOAD_H
#define VUSER_PAYLOAD_H

#include <stddef.h>
#include <sys/types.h>

/* Copy a payload of exactly @size bytes to @out. Return: 0 or -EMSGSIZE. */
int vu_payload_exact(const void *buf, size_t len, void *out, size_t size);

/*
 * Copy the first @size bytes of a payload to @out. Return: 0; -EMSGSIZE when the
 * payload is shorter.
 */
int vu_payload_at_least(const void *buf, size_t len, void *out, size_t size);

/*
 * Copy @len bytes from @in to a buffer of @size bytes. Return: @len; -ENOBUFS when
 * the buffer is smaller.
 */
ssize_t vu_payload_put(void *buf, size_t size, const void *in, size_t len);

#endif /* VUSER_PAYLOAD_H */
