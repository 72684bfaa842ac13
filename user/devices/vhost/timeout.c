// SPDX-License-Identifier: GPL-2.0
/*
 * How long the back end may take for all requests of one command. A device of vuser has its
 * time-outs in attributes, which can change while the device is used.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "timeout.h"

/* Attributes of a device of vuser: the client gives up after the shorter time. */
static const char *const attributes[] = { "request_timeout_ms",
					  "close_timeout_ms" };

#define NR_ATTRIBUTES (sizeof(attributes) / sizeof(attributes[0]))

/* Read a number of ms; 0 if it cannot be read. */
static int read_ms(const char *dir, const char *name)
{
	char path[PATH_MAX], text[16];
	unsigned long ms;
	ssize_t len;
	int fd;

	if (snprintf(path, sizeof(path), "%s/%s", dir, name) >=
	    (int)sizeof(path))
		return 0;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	len = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (len <= 0)
		return 0;
	text[len] = '\0';
	ms = strtoul(text, NULL, 10);
	return ms < INT_MAX ? ms : INT_MAX;
}

/* The time that the client waits, in ms. */
static int client_ms(const struct vhost_device_options *opt)
{
	int least = 0, ms;
	size_t i;

	for (i = 0; opt->attributes && i < NR_ATTRIBUTES; i++) {
		ms = read_ms(opt->attributes, attributes[i]);
		if (ms && (!least || ms < least))
			least = ms;
	}
	return least ?: opt->client_timeout_ms ?: VHOST_CLIENT_MS;
}

/**
 * vhost_timeout_ms - the time limit for the back end, for all requests of one command
 * @opt: options of the device
 *
 * A command of the client may wait for another one that waits for the back end, so the limit
 * is less than half of the time that the client waits.
 *
 * Return: the limit in ms, at least 1.
 */
int vhost_timeout_ms(const struct vhost_device_options *opt)
{
	int client = client_ms(opt), most = (client - 1) / 2;
	int ms = opt->backend_timeout_ms ?: client / 5 * 2;

	if (opt->attributes && ms > most)
		ms = most;
	return ms > 0 ? ms : 1;
}
