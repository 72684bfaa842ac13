/* SPDX-License-Identifier: GPL-2.0 */
/* The file by which a consumer reads or writes the state of a device. */
#ifndef VUSER_MIG_FILE_H
#define VUSER_MIG_FILE_H

#include <linux/types.h>

struct file;
struct vuser_device;

/* In these states the consumer can read the state of the device. */
bool vuser_mig_file_saves(u32 state);
struct file *vuser_mig_file_open(struct vuser_device *dev, bool save);

#endif /* VUSER_MIG_FILE_H */
