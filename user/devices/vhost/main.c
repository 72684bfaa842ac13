// SPDX-License-Identifier: GPL-2.0
/*
 * vuser-vhost: serves vhost-user back ends as virtio-pci devices over
 * vfio-user.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>

#include "arguments.h"
#include "device.h"

static int end_on_signals(sd_event *event)
{
	sigset_t set;
	int ret;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	/*
	 * A write to a pipe that the back end has closed must fail, not kill
	 * us.
	 */
	signal(SIGPIPE, SIG_IGN);
	ret = sd_event_add_signal(event, NULL, SIGTERM, NULL, NULL);
	if (ret < 0)
		return ret;
	return sd_event_add_signal(event, NULL, SIGINT, NULL, NULL);
}

static int fail(const char *what, int error)
{
	fprintf(stderr, "vuser-vhost: %s: %s\n", what, strerror(-error));
	return 1;
}

/*
 * Report what to do after an error. Most errors themselves have been reported
 * already.
 */
static int no_device(const char *backend, int error)
{
	const char *step;

	switch (-error) {
	case ENOENT:
	case ECONNREFUSED:
		step = "start the back end first: it must listen there";
		break;
	case ETIMEDOUT:
		step = "no reply: check that a vhost-user back end listens there and that no other front end uses it";
		break;
	case EPROTO:
	case ECONNRESET:
		step = "check that a vhost-user back end listens there";
		break;
	case EINVAL:
	case EOPNOTSUPP:
		return 1;
	default:
		return fail(backend, error);
	}
	fprintf(stderr, "vuser-vhost: %s: %s\n", backend, step);
	return 1;
}

static int no_socket(const char *path, int error)
{
	const char *step = "";

	if (error == -EADDRINUSE)
		step = ": stop the server there or remove the file, or give another path";
	else if (error == -ENOENT)
		step = ": create the directory first";
	else if (error == -ENAMETOOLONG)
		step = ": a path has at most 4095 bytes; in a path of more than 107 bytes, the last name has at most 82";
	fprintf(stderr, "vuser-vhost: cannot listen at %s: %s%s\n", path,
		strerror(-error), step);
	return 1;
}

/* @devices has the devices that were created, also after an error. */
static int make_devices(const struct vhost_arguments *args,
			struct vhost_device **devices, sd_event *event)
{
	unsigned int i;
	int ret;

	for (i = 0; i < args->nr; i++) {
		ret = vhost_device_new(&args->device[i], &devices[i]);
		if (ret < 0)
			return no_device(args->device[i].backend, ret);
		ret = vhost_device_serve(devices[i], args->socket[i], event);
		if (ret < 0)
			return no_socket(args->socket[i], ret);
	}
	return 0;
}

static int serve(const struct vhost_arguments *args)
{
	struct vhost_device *devices[VHOST_MAX_DEVICES] = { NULL };
	sd_event *event = NULL;
	unsigned int i;
	int status, ret;

	ret = sd_event_default(&event);
	if (ret >= 0)
		ret = end_on_signals(event);
	if (ret < 0) {
		status = fail("cannot start the event loop", ret);
		goto out;
	}
	status = make_devices(args, devices, event);
	if (status)
		goto out;
	sd_notify(0, "READY=1");
	ret = sd_event_loop(event);
	if (ret < 0)
		status = fail("event loop", ret);
out:
	for (i = 0; i < args->nr; i++)
		vhost_device_free(devices[i]);
	sd_event_unref(event);
	return status;
}

int main(int argc, char **argv)
{
	static struct vhost_arguments args;
	int status = vhost_arguments_parse(argc, argv, &args);

	return status >= 0 ? status : serve(&args);
}
