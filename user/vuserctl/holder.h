/* SPDX-License-Identifier: GPL-2.0 */
/* The processes that have a device open. */
#ifndef VUSERCTL_HOLDER_H
#define VUSERCTL_HOLDER_H

#include <stddef.h>
#include <sys/types.h>

#include "../netlink/dev.h"

#define HOLDER_MAX 16

/**
 * struct holder - a process that has a device open
 * @pid: process ID
 * @name: name of the program, at most 15 characters
 */
struct holder {
	pid_t pid;
	char name[16];
};

/**
 * struct holder_files - the files that show that a process has a device open
 * @uuid: UUID of the device
 * @group: path of its group
 * @cdev: path of the device's own file, "" if there is none
 */
struct holder_files {
	char uuid[VNL_UUID_TEXT];
	char group[32];
	char cdev[300];
};

/* Find the files. They cannot be found any more when the removal of @dev has begun. */
void holder_files(const struct vnl_dev *dev, struct holder_files *files);

/**
 * holder_find - find the processes that have a device open
 * @files: the files of the device
 * @holders: filled in
 *
 * Processes of other PID namespaces are not found, and without privileges only processes
 * of the caller's user.
 *
 * Return: the number of processes in @holders; further ones are left out.
 */
size_t holder_find(const struct holder_files *files,
		   struct holder holders[HOLDER_MAX]);

/*
 * Write the processes to @text, as in "process 12 (qemu), process 34 (testpmd)", or "a
 * program" if there are none.
 */
void holder_text(const struct holder *holders, size_t nr, char *text,
		 size_t size);

#endif /* VUSERCTL_HOLDER_H */
