/* SPDX-License-Identifier: GPL-2.0 */
/* The client and the server together. */
#ifndef TEST_BOTH_H
#define TEST_BOTH_H

#include "device.h"

/* A device and the only client of its server. */
struct both {
	struct device *dev;
	struct vuser_client *client;
};

/* Start both; @config and @opt may be NULL. */
struct both both_setup(const struct vuser_server_config *config,
		       const struct vuser_client_options *opt);

/* End both, and check that the server reported no error. */
void both_teardown(struct both *both);

/* Return the value of an eventfd and set it to 0. */
long both_drain(int fd);

/* A new eventfd that does not block. */
int both_event(void);

#endif /* TEST_BOTH_H */
