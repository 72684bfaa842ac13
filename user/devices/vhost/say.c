// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "say.h"

void vhost_say(const struct vhost_device *dev, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	/* One call, so that the lines of several threads do not mix. */
	fprintf(stderr, "vuser-vhost: %s: %s\n", dev->options.backend, text);
}

int vhost_say_failed(const struct vhost_device *dev, const char *what, int ret)
{
	if (ret && ret != -EFAULT && ret != -EINVAL)
		vhost_say(dev, "%s: %s", what,
			  vhost_backend_error(dev->conn.backend));
	return ret;
}
