// SPDX-License-Identifier: GPL-2.0
/*
 * vuser-vhost: serves vhost-user back ends as virtio-pci devices over
 * vfio-user. Each device has a thread. The main thread waits for signals.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>

#include "../../common/exit-status.h"
#include "arguments.h"
#include "device.h"
#include "wait.h"

/**
 * struct worker - a thread that serves one device
 * @options: options of the device
 * @socket: path where the device listens
 * @listener: socket of the service manager that the device uses instead, or -1
 * @process: what all threads share
 * @thread: the thread
 */
struct worker {
	const struct vhost_device_options *options;
	const char *socket;
	int listener;
	struct process *process;
	pthread_t thread;
};

/**
 * struct process - what the threads share
 * @lock: protects @ready and @status
 * @ready: number of devices that clients can use
 * @status: exit status: not 0 after a device has failed
 * @changed: eventfd, signalled when @ready or @status has changed
 * @stop: eventfd that ends all threads
 * @nr: number of devices
 * @listeners: the service manager has passed a socket for each device
 */
struct process {
	pthread_mutex_t lock;
	unsigned int ready;
	int status;
	int changed;
	int stop;
	unsigned int nr;
	bool listeners;
};

static int fail(const char *what, int error)
{
	fprintf(stderr, "vuser-vhost: %s: %s\n", what, strerror(-error));
	return exit_status(error);
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
	default:
		return fail(backend, error);
	}
	fprintf(stderr, "vuser-vhost: %s: %s\n", backend, step);
	return exit_status(error);
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
	return error == -EACCES || error == -EPERM ? EX_NOPERM : EX_CANTCREAT;
}

static int on_stop(sd_event_source *source, int fd, uint32_t revents,
		   void *data)
{
	(void)fd;
	(void)revents;
	(void)data;
	return sd_event_exit(sd_event_source_get_event(source), 0);
}

/* Create the device and its socket; 0 or an exit status. */
static int make_device(const struct worker *w, sd_event *event,
		       struct vhost_device **device)
{
	int ret = sd_event_add_io(event, NULL, w->process->stop, EPOLLIN,
				  on_stop, NULL);

	if (ret < 0)
		return fail("cannot start the event loop", ret);
	ret = vhost_device_new(w->options, device);
	if (!ret) {
		ret = w->listener >= 0 ?
			      vhost_device_serve_listener(*device, w->listener,
							  event) :
			      vhost_device_serve(*device, w->socket, event);
		return ret < 0 ? no_socket(w->socket, ret) : 0;
	}
	/* The process is to end before a back end has connected. */
	if (ret == -ECANCELED)
		return 0;
	/* The reason has been reported. */
	if (ret == -EINVAL || ret == -EOPNOTSUPP)
		return EX_PROTOCOL;
	return w->options->listen ? no_socket(w->options->backend, ret) :
				    no_device(w->options->backend, ret);
}

static void report(struct process *p, unsigned int ready, int status)
{
	pthread_mutex_lock(&p->lock);
	p->ready += ready;
	if (status)
		p->status = status;
	pthread_mutex_unlock(&p->lock);
	eventfd_write(p->changed, 1);
}

/* A thread: create one device, serve it, and free it. */
static void *work(void *arg)
{
	struct worker *w = arg;
	struct vhost_device *device = NULL;
	sd_event *event = NULL;
	int status, ret;

	ret = sd_event_new(&event);
	status = ret < 0 ? fail("cannot start the event loop", ret) :
			   make_device(w, event, &device);
	if (!status && device) {
		report(w->process, 1, 0);
		ret = sd_event_loop(event);
		if (ret < 0)
			status = fail("event loop", ret);
	}
	if (status)
		report(w->process, 0, status);
	vhost_device_free(device);
	sd_event_unref(event);
	return NULL;
}

/* In the main thread: notify the service manager, or end after an error. */
static int on_changed(sd_event_source *source, int fd, uint32_t revents,
		      void *data)
{
	struct process *p = data;
	eventfd_t count;
	bool ready, failed;

	(void)revents;
	eventfd_read(fd, &count);
	pthread_mutex_lock(&p->lock);
	ready = p->ready == p->nr;
	failed = p->status;
	pthread_mutex_unlock(&p->lock);
	if (failed)
		return sd_event_exit(sd_event_source_get_event(source), 0);
	if (ready)
		sd_notify(0, "READY=1");
	return 0;
}

/* The threads inherit the mask, so only the main thread gets the signals. */
static int set_up(struct process *p, sd_event *event)
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
	p->changed = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	p->stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (p->changed < 0 || p->stop < 0)
		return -errno;
	vhost_wait_stop_fd(p->stop);
	ret = sd_event_add_signal(event, NULL, SIGTERM, NULL, NULL);
	if (ret >= 0)
		ret = sd_event_add_signal(event, NULL, SIGINT, NULL, NULL);
	if (ret >= 0)
		ret = sd_event_add_io(event, NULL, p->changed, EPOLLIN,
				      on_changed, p);
	return ret;
}

/* Start the threads and wait until the process is to end. */
static void run(const struct vhost_arguments *args, struct process *p,
		sd_event *event)
{
	struct worker workers[VHOST_MAX_DEVICES];
	unsigned int i, started;
	int ret = 0;

	for (started = 0; started < p->nr; started++) {
		workers[started] = (struct worker) {
			.options = &args->device[started],
			.socket = args->socket[started],
			.listener = p->listeners ?
					    SD_LISTEN_FDS_START + (int)started :
					    -1,
			.process = p,
		};
		ret = pthread_create(&workers[started].thread, NULL, work,
				     &workers[started]);
		if (ret)
			break;
	}
	if (ret)
		report(p, 0, fail("cannot start a thread", -ret));
	ret = sd_event_loop(event);
	if (ret < 0)
		report(p, 0, fail("event loop", ret));
	eventfd_write(p->stop, 1);
	for (i = 0; i < started; i++)
		pthread_join(workers[i].thread, NULL);
}

/* Take the sockets of the service manager, if there are some. */
static int take_listeners(struct process *p)
{
	int nr = sd_listen_fds(1), i;

	if (nr < 0)
		return nr;
	p->listeners = nr;
	if (nr && nr != (int)p->nr)
		return -EINVAL;
	for (i = 0; i < nr; i++)
		if (sd_is_socket(SD_LISTEN_FDS_START + i, AF_UNIX, SOCK_STREAM,
				 1) <= 0)
			return -ENOTSOCK;
	return 0;
}

static int serve(const struct vhost_arguments *args)
{
	struct process p = {
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.changed = -1,
		.stop = -1,
		.nr = args->nr,
	};
	sd_event *event = NULL;
	int ret;

	ret = take_listeners(&p);
	if (ret < 0)
		return fail("one listening socket for each device is needed",
			    ret);
	ret = sd_event_default(&event);
	if (ret >= 0)
		ret = set_up(&p, event);
	if (ret < 0)
		p.status = fail("cannot start the event loop", ret);
	else
		run(args, &p, event);
	sd_event_unref(event);
	return p.status;
}

int main(int argc, char **argv)
{
	static struct vhost_arguments args;
	int status;

	if (complete_wanted(argc, argv)) {
		complete_words(&vhost_arguments_completion, argc - 2, argv + 2);
		return EX_OK;
	}
	status = vhost_arguments_parse(argc, argv, &args);
	return status >= 0 ? status : serve(&args);
}
