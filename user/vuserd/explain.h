/* SPDX-License-Identifier: GPL-2.0 */
/* Texts for errors, which say what to do next. */
#ifndef VUSERD_EXPLAIN_H
#define VUSERD_EXPLAIN_H

#include <stddef.h>

/* The longest part of a path that a text shows. */
#define EXPLAIN_PATH_MAX 107

/*
 * Return @path, or "..." and its end if it is longer than EXPLAIN_PATH_MAX, so
 * that a text has room for the reason. The result may be in @shown.
 */
const char *explain_path(char shown[EXPLAIN_PATH_MAX + 1], const char *path);

/* Explain why endpoint_connect() to @path has failed with @error. */
void explain_connect(char *text, size_t size, const char *path, int error);

/*
 * Explain why vuserd cannot connect to @path: @error is an error of vuserd or of the
 * system, not of the server.
 */
void explain_own(char *text, size_t size, const char *path, int error);

/*
 * Explain why the handshake with the server at @path has failed with @error.
 * @detail is the text of libvuser.
 */
void explain_handshake(char *text, size_t size, const char *path, int error,
		       const char *detail);

#endif /* VUSERD_EXPLAIN_H */
