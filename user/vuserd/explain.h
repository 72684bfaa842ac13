/* SPDX-License-Identifier: GPL-2.0 */
/* Texts for errors, which say what to do next. */
#ifndef VUSERD_EXPLAIN_H
#define VUSERD_EXPLAIN_H

#include <stddef.h>

/* Explain why endpoint_connect() to @path has failed with @error. */
void explain_connect(char *text, size_t size, const char *path, int error);

/*
 * Explain why the handshake with the server at @path has failed with @error.
 * @detail is the text of libvuser.
 */
void explain_handshake(char *text, size_t size, const char *path, int error,
		       const char *detail);

#endif /* VUSERD_EXPLAIN_H */
