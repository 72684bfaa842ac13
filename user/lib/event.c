// SPDX-License-Identifier: BSD-3-Clause
/* Signal an eventfd of another process, without waiting. */
#include <linux/aio_abi.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "event.h"

/*
 * Called for the first signal, since a context of AIO does not survive fork(2).
 */
static void open_port(struct vu_event_port *port)
{
	port->tried = true;
	port->file = memfd_create("vuser-event", MFD_CLOEXEC);
	if (port->file >= 0 && syscall(SYS_io_setup, 1, &port->context))
		port->context = 0;
}

static bool signal_by_aio(struct vu_event_port *port, int fd)
{
	struct io_event done;
	char nothing;
	struct iocb cb = {
		.aio_lio_opcode = IOCB_CMD_PREAD,
		.aio_fildes = port->file,
		.aio_buf = (uintptr_t)&nothing,
		.aio_nbytes = sizeof(nothing),
		.aio_flags = IOCB_FLAG_RESFD,
		.aio_resfd = fd,
	};
	struct iocb *list = &cb;

	if (syscall(SYS_io_submit, port->context, 1, &list) != 1)
		return false;
	/* The read is complete; make room for the next one. */
	syscall(SYS_io_getevents, port->context, 1, 1, &done, NULL);
	return true;
}

void vu_event_write(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLOUT };

	if (poll(&pfd, 1, 0) == 1 && pfd.revents == POLLOUT)
		eventfd_write(fd, 1);
}

void vu_event_signal(struct vu_event_port *port, int fd)
{
	if (!port->tried)
		open_port(port);
	if (port->context && signal_by_aio(port, fd))
		return;
	vu_event_write(fd);
}

void vu_event_port_clear(struct vu_event_port *port)
{
	if (port->context)
		syscall(SYS_io_destroy, port->context);
	if (port->file >= 0)
		close(port->file);
}
