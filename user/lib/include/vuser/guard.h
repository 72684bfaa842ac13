/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * libvuser: access memory that a client shares.
 *
 * The client can truncate its file at any time, and an access to a mapped page that
 * is no longer in the file raises SIGBUS. The functions of this header return an
 * error instead.
 *
 * Any thread may call them. A copy takes a few instructions more than memmove(3).
 */
#ifndef VUSER_GUARD_H
#define VUSER_GUARD_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * vuser_guard_init - install the handler of SIGBUS that the functions below need
 *
 * A process has one handler of SIGBUS. For a signal that the functions below did not
 * cause, the handler of this library calls the handler that was set before.
 * vuser_server_new() calls vuser_guard_init(), unless no_sigbus of struct
 * vuser_server_config is set. So a program needs to call it only when it has no server,
 * or after it has set a handler of SIGBUS itself.
 *
 * Return: 0; or an errno of sigaction(2).
 */
int vuser_guard_init(void);

/**
 * vuser_guard_copy - copy between buffers in shared memory
 * @dst: destination
 * @src: source; may overlap @dst
 * @len: bytes
 *
 * Return: NULL; or the address that could not be accessed; then a part of @dst may
 * have been written.
 */
const void *vuser_guard_copy(void *dst, const void *src, size_t len);

/**
 * vuser_guard_store64 - store 8 bytes in one access, after all earlier stores
 * @dst: destination, aligned to 8
 * @value: the value
 *
 * Return: NULL; or the address that could not be accessed.
 */
const void *vuser_guard_store64(uint64_t *dst, uint64_t value);

#ifdef __cplusplus
}
#endif

#endif /* VUSER_GUARD_H */
