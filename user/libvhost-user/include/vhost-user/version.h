/* SPDX-License-Identifier: BSD-3-Clause */
/* libvhost-user: the version of the library. */
#ifndef VHOST_USER_VERSION_H
#define VHOST_USER_VERSION_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The version that a program is compiled with: major, minor, patch, 8 bits each. */
#define VHOST_USER_LIBRARY_VERSION 0x000100

/**
 * vhost_user_library_version - the version that a program runs with
 *
 * Return: as VHOST_USER_LIBRARY_VERSION.
 */
uint32_t vhost_user_library_version(void);

#ifdef __cplusplus
}
#endif

#endif /* VHOST_USER_VERSION_H */
