/* SPDX-License-Identifier: GPL-2.0 */
/* The command line of vuser-vhost. */
#ifndef VHOST_ARGUMENTS_H
#define VHOST_ARGUMENTS_H

#include "../../common/complete.h"
#include "device.h"

#define VHOST_MAX_DEVICES 64

/**
 * struct vhost_arguments - the parsed command line
 * @device: options of each device
 * @socket: path of the socket that serves each device
 * @nr: number of devices
 */
struct vhost_arguments {
	struct vhost_device_options device[VHOST_MAX_DEVICES];
	const char *socket[VHOST_MAX_DEVICES];
	unsigned int nr;
};

/* The options, for the completion of shells. */
extern const struct completion vhost_arguments_completion;

int vhost_arguments_parse(int argc, char **argv, struct vhost_arguments *args);

#endif
