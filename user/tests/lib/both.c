// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <sys/eventfd.h>

#include "../harness.h"
#include "both.h"

struct both both_setup(const struct vuser_server_config *config,
		       const struct vuser_client_options *opt)
{
	struct both both = { .dev = device_new(config, NULL) };

	require(both.dev);
	both.client = device_client(both.dev, opt, NULL, NULL);
	require(both.client);
	return both;
}

void both_teardown(struct both *both)
{
	vuser_client_free(both->client);
	check(device_await(&both->dev->disconnects, 1));
	check_eq(both->dev->last_error, 0);
	device_free(both->dev);
}

/* Return the value of an eventfd and set it to 0. */
long both_drain(int fd)
{
	eventfd_t value = 0;

	if (eventfd_read(fd, &value))
		return errno == EAGAIN ? 0 : -errno;
	return value;
}

int both_event(void)
{
	return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
}
