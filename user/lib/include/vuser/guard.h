/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * libvuser: touching memory that a client gave.  It can cut its file short at
 * any time, and a mapped page that lost its file raises SIGBUS.
 *
 * Any thread; the copies are as quick as memmove(3) but for a few instructions.
 */
#ifndef VUSER_GUARD_H
#define VUSER_GUARD_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * vuser_guard_init - catch SIGBUS for the functions below
 *
 * The handler is the process's; a SIGBUS outside of them goes to the handler
 * that was there before.  vuser_server_new() calls this, so only a program
 * that sets a handler of its own later, or has no server, needs to.
 *
 * Return: 0 or an errno of sigaction(2).
 */
int vuser_guard_init(void);

/**
 * vuser_guard_copy - copy between buffers that may be gone
 * @dst: where to
 * @src: where from; may overlap @dst
 * @len: bytes
 *
 * Return: NULL, or the address that could not be touched.  Then part of @dst
 * may have been written.
 */
const void *vuser_guard_copy(void *dst, const void *src, size_t len);

/**
 * vuser_guard_store64 - store 8 bytes at once, after all earlier stores
 * @dst: where to, aligned
 * @value: what
 *
 * Return: NULL, or the address that could not be touched.
 */
const void *vuser_guard_store64(uint64_t *dst, uint64_t value);

#ifdef __cplusplus
}
#endif

#endif /* VUSER_GUARD_H */
