/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The text files of a device's directory in /sys/bus/pci/devices.
 *
 * The functions turn the kernel's description of a device into the content of a
 * file. They do no I/O.
 */
#ifndef VUSERCTL_VIEW_H
#define VUSERCTL_VIEW_H

#include <stdbool.h>
#include <stddef.h>

#include "../netlink/dev.h"

/* The number of lines in "resource", one for each BAR and one for the ROM. */
#define VIEW_NR_RESOURCES 7
#define VIEW_MAX	  2048

/**
 * struct view_file - a file in the directory
 * @name: name of the file
 * @print: write the content to @text, at most @size bytes including the NUL
 */
struct view_file {
	const char *name;
	void (*print)(const struct vnl_dev *dev, char *text, size_t size);
};

/* Ends with an entry whose name is NULL. */
extern const struct view_file view_files[];

/* Whether the description of the device is complete enough to show it. */
bool view_possible(const struct vnl_dev *dev);

#endif /* VUSERCTL_VIEW_H */
