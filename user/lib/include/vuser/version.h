/* SPDX-License-Identifier: BSD-3-Clause */
/* libvuser: the version of the library. */
#ifndef VUSER_VERSION_H
#define VUSER_VERSION_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The version that a program is compiled with: major, minor, patch, 8 bits each. */
#define VUSER_LIBRARY_VERSION 0x000100

/**
 * vuser_library_version - the version that a program runs with
 *
 * Return: as VUSER_LIBRARY_VERSION.
 */
uint32_t vuser_library_version(void);

#ifdef __cplusplus
}
#endif

#endif /* VUSER_VERSION_H */
