/* SPDX-License-Identifier: GPL-2.0 */
/* Errors in words that tell what to do next. */
#ifndef VUSERD_EXPLAIN_H
#define VUSERD_EXPLAIN_H

#include <stddef.h>

/* Why a connect to @path failed. */
void explain_connect(char *text, size_t size, const char *path, int error);

/* Why the handshake with the server at @path failed; @detail of libvuser. */
void explain_handshake(char *text, size_t size, const char *path, int error,
		       const char *detail);

#endif /* VUSERD_EXPLAIN_H */
