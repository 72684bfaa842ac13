/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A QEMU that serves one of its device models: `create --qemu` starts the process, `remove`
 * ends it. The QEMU runs no guest.
 */
#ifndef VUSERCTL_QEMU_H
#define VUSERCTL_QEMU_H

#include <stddef.h>

/* The arguments of a user at most. */
#define QEMU_ARGS_MAX 64

/**
 * struct qemu - what QEMU is to serve
 * @model: MODEL[,OPTION]..., as for QEMU's -device; NULL if QEMU serves nothing
 * @args: further arguments of QEMU
 * @nr: number of @args
 */
struct qemu {
	const char *model;
	const char *args[QEMU_ARGS_MAX];
	size_t nr;
};

/* Add an argument; 0 or -E2BIG. */
int qemu_add_arg(struct qemu *qemu, const char *arg);

/**
 * qemu_start - start a QEMU, and wait until it listens
 * @uuid: UUID of the device
 * @qemu: what to serve
 * @endpoint: set to the path of the socket of QEMU
 * @size: size of @endpoint
 *
 * The program is that of the environment variable VUSER_QEMU_SERVER, by default
 * qemu-system-x86_64. QEMU continues to run when vuserctl has exited.
 *
 * Return: 0, or an exit status after printing an error.
 */
int qemu_start(const char *uuid, const struct qemu *qemu, char *endpoint,
	       size_t size);

/* End the QEMU of a device, if there is one, and wait until it has exited. */
void qemu_stop(const char *uuid);

#endif /* VUSERCTL_QEMU_H */
