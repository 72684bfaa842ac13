/* SPDX-License-Identifier: BSD-3-Clause */
/* The text of the last error, for vhost_backend_error(). */
#ifndef VHOST_USER_ERROR_H
#define VHOST_USER_ERROR_H

#include <stdarg.h>

#include "state.h"

/* Set the text. Return: @err. */
int vhu_error(struct vhost_backend *b, int err, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void vhu_error_set(struct vhost_backend *b, const char *format, va_list ap);

#endif /* VHOST_USER_ERROR_H */
