/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause */
/*
 * The version of the kernel module, of the programs and of the libraries. The compiler
 * compares VUSER_LIBRARY_VERSION and VHOST_USER_LIBRARY_VERSION with it.
 */
#ifndef VUSER_VUSER_VERSION_H
#define VUSER_VUSER_VERSION_H

#define VUSER_VERSION "0.1.0"

/* The same number, 8 bits each for major, minor and patch. */
#define VUSER_VERSION_NUMBER 0x000100

#endif /* VUSER_VUSER_VERSION_H */
