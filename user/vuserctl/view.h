/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A device as the text files of a directory under /sys/bus/pci/devices.
 *
 * Pure functions from what the kernel says of a device to a file's content.
 */
#ifndef VUSERCTL_VIEW_H
#define VUSERCTL_VIEW_H

#include <stdbool.h>
#include <stddef.h>

#include "../netlink/dev.h"

/* BARs and ROM, one line each in "resource". */
#define VIEW_NR_RESOURCES 7
#define VIEW_MAX	  2048

/**
 * struct view_file - a file of the directory
 * @name: of the file
 * @print: its content, NUL-terminated; at most @size bytes with the NUL
 */
struct view_file {
	const char *name;
	void (*print)(const struct vnl_dev *dev, char *text, size_t size);
};

/* Ends with an entry whose name is NULL. */
extern const struct view_file view_files[];

/* Is enough known of the device to show it? */
bool view_possible(const struct vnl_dev *dev);

#endif /* VUSERCTL_VIEW_H */
