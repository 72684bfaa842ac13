// SPDX-License-Identifier: BSD-3-Clause
/* The text of the last error. */
#include <stdio.h>

#include "error.h"

void vhu_error_set(struct vhost_backend *b, const char *format, va_list ap)
{
	vsnprintf(b->error, sizeof(b->error), format, ap);
}

int vhu_error(struct vhost_backend *b, int err, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vhu_error_set(b, format, ap);
	va_end(ap);
	return err;
}
