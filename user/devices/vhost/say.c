// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "say.h"

void vhost_say(const struct vhost_device *dev, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "vuser-vhost: %s: ", dev->options.backend);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

int vhost_say_failed(const struct vhost_device *dev, const char *what, int ret)
{
	if (ret && ret != -EFAULT && ret != -EINVAL)
		vhost_say(dev, "%s: %s", what,
			  vhost_backend_error(dev->conn.backend));
	return ret;
}
